//! Services and an origin that the tests share, each test with a visitor of its
//! own. They are started when they are first needed.

use std::sync::LazyLock;

use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::service::{Launch, Service};
pub use concept_refinement_tests::shared::{local, origin};

/// With anonymous sessions and the scripted model.
pub fn scripted() -> &'static Service {
    static SERVICE: LazyLock<Service> =
        LazyLock::new(|| launch().set("rate-limit", "1000/month").start());
    &SERVICE
}

/// What opens the operator's page for everything.
pub const ADMIN_TOKEN: &str = "a-token-of-the-operator-for-tests";

/// What opens it for reading only.
pub const ADMIN_READ_TOKEN: &str = "a-token-of-a-reader-for-tests-only";

/// With the operator's page, and users of any name.
pub fn attended() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| attended_launch().start());
    &SERVICE
}

pub fn attended_launch() -> Launch {
    launch()
        .with_tokens()
        .set("rate-limit", "unlimited")
        .set("admin-listen", "127.0.0.1:0")
        .variable("REFINEMENT_ADMIN_TOKEN", ADMIN_TOKEN)
        .variable("REFINEMENT_ADMIN_READ_TOKEN", ADMIN_READ_TOKEN)
}

/// One refinement a month.
pub fn stingy() -> &'static Service {
    static SERVICE: LazyLock<Service> =
        LazyLock::new(|| launch().set("rate-limit", "1/month").start());
    &SERVICE
}

/// A provider whose calls cost.
pub fn provider() -> &'static Provider {
    static PROVIDER: LazyLock<Provider> = LazyLock::new(Provider::start);
    &PROVIDER
}

/// With a budget for one refinement a month.
pub fn frugal() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| {
        let launch = paid().set("model-price", "0.06");
        launch.set("budget", "0.10 USD/month").start()
    });
    &SERVICE
}

/// With a provider whose price nobody has said.
pub fn unpriced() -> &'static Service {
    static SERVICE: LazyLock<Service> =
        LazyLock::new(|| paid().set("rate-limit", "unlimited").start());
    &SERVICE
}

fn paid() -> Launch {
    launch()
        .set("model", "openai")
        .set("model-url", &provider().url())
        .variable("REFINEMENT_MODEL_API_KEY", "sk-key")
}

/// With small images only, which it keeps.
pub fn narrow() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| {
        let launch = launch().set("max-image-pixels", "1000");
        launch.set("anonymous-retention", "off").start()
    });
    &SERVICE
}

/// With tokens from outside.
pub fn closed() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| launch().with_tokens().start());
    &SERVICE
}

fn launch() -> Launch {
    Launch::new()
        .scripted()
        .set("allow-sources", &origin().authority())
        .set("max-image-bytes", "1MiB")
}
