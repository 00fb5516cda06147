//! Services and an origin that many tests share, each test with users of its
//! own. They are started when they are first needed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::s3::{self, Kind};
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::{Launch, Service};

/// How many uploads a user may keep on the scripted service.
pub const UPLOADS: usize = 5;

/// An origin that the services may fetch from.
pub fn origin() -> &'static Origin {
    static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);
    &ORIGIN
}

/// As a fresh machine has it: anonymous sessions, the local model.
pub fn local() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| {
        Launch::new()
            .set("allow-sources", &origin().authority())
            .start()
    });
    &SERVICE
}

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

/// A user that no other test is.
pub fn new_user(service: &Service) -> Client {
    Client::user(service.url(), &new_name())
}

pub fn new_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("user {}", COUNT.fetch_add(1, Ordering::Relaxed))
}
