//! Services and an origin that many tests share, each test with users of its
//! own. They are started when they are first needed.

use std::process::Output;
use std::sync::LazyLock;

use concept_refinement_tests::pictures;
use concept_refinement_tests::s3::{self, Kind};
use concept_refinement_tests::service::{Launch, Service};
pub use concept_refinement_tests::shared::{busy, local, new_name, new_user, origin};

/// The URL of a small picture, from where services fetch it.
pub fn picture_url() -> String {
    origin().picture(&pictures::png(8, 8))
}

/// How many uploads a user may keep on the scripted service.
pub const UPLOADS: usize = 5;

/// With tokens from outside and the scripted model.
pub fn scripted() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| scripted_launch().start());
    &SERVICE
}

/// The origin whose pages may use the service behind a proxy.
pub const APP: &str = "https://app.example";

/// With anonymous sessions, behind a proxy on this machine.
pub fn proxied() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| {
        Launch::new()
            .set("trusted-proxies", "127.0.0.1, 10.0.0.0/8")
            .set("cors-origins", APP)
            .start()
    });
    &SERVICE
}

/// What the scripted service is started with.
pub fn scripted_launch() -> Launch {
    Launch::new()
        .scripted()
        .with_tokens()
        .set("allow-sources", &origin().authority())
        .set("rate-limit", "1000/month")
        .set("uploads", &UPLOADS.to_string())
        .set("max-image-bytes", "1MiB")
        .set("max-image-pixels", "1000000")
}

/// The same with all that a host shares: this database, its queue, and a bucket.
pub fn scripted_over(tasks: &str) -> Launch {
    scripted_launch()
        .set("tasks", tasks)
        .set("queue", "store")
        .images_in(&s3::shared(Kind::S3sFs).place())
}

/// A command failed, and says why in a sentence.
#[track_caller]
pub fn refused(done: Output, why: &str, case: &str) {
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{case}: {said}");
    assert!(said.contains(why), "{case}: {said}");
    assert_eq!(said.lines().count(), 1, "{case}: {said}");
    assert_eq!(done.stdout, b"", "{case}");
}
