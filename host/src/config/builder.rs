//! A typed API for the settings, for programs that embed the host.
//!
//! It produces the same texts as the command line and the file, so that there is only one
//! parser and one validation of each setting.

mod model;
mod plan;
#[cfg(test)]
mod tests;
mod types;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use concept_refinement_capability::payments::Repeat;
use concept_refinement_domain::budget::Budget;
use concept_refinement_domain::quota::Quota;
use concept_refinement_domain::timestamp::Timestamp;
use ipnet::IpNet;
use url::Url;

use super::error::ConfigError;
use super::reader::unusable;
use super::role::Role;
use super::sources::Values;
use super::table;
use crate::Config;

pub use model::{Model, ModelProvider};
pub use plan::Plan;
pub use types::{Allowed, Authentication, Original};

/// Builds a [`Config`]. Settings that are not set have their defaults; `docs/settings.md`
/// describes each of them.
///
/// Logging is up to the embedding program, so there is no setting for it here.
///
/// ```
/// # use std::time::Duration;
/// # use concept_refinement_host::Config;
/// # use concept_refinement_host::config::{Model, ModelProvider, Quota, Window};
/// let openai = Model::provider(ModelProvider::OpenAi).api_key("sk-example");
/// let config = Config::builder()
///     .listen(([127, 0, 0, 1], 0).into())
///     .data_dir("/var/lib/pictures")
///     .rate_limit(Some(Quota { limit: 20, window: Window::Day }))
///     .retention(Some(Duration::from_secs(30 * 24 * 60 * 60)))
///     .model(Model::fallback([openai, Model::local()]))
///     .build()?;
/// # Ok::<(), concept_refinement_host::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a configuration is made by `build`"]
pub struct ConfigBuilder {
    values: Values,
    /// The first value that cannot be expressed as text.
    problem: Option<ConfigError>,
}

impl From<Values> for ConfigBuilder {
    /// On top of values from elsewhere, such as a file or the environment.
    fn from(values: Values) -> Self {
        let problem = None;
        Self { values, problem }
    }
}

impl ConfigBuilder {
    /// Validates all settings.
    ///
    /// # Errors
    ///
    /// The first value that is invalid, or that is missing although it is required.
    pub fn build(self) -> Result<Config, ConfigError> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Config::new(self.values),
        }
    }

    /// Where to listen for HTTP. With port 0 the system chooses a port, which
    /// [`Host::address`](crate::Host::address) returns.
    pub fn listen(self, address: SocketAddr) -> Self {
        self.set("listen", address.to_string())
    }

    /// The directory for the SQLite file, the images, the generated secret and the
    /// compiled code. It is created if it does not exist.
    pub fn data_dir(self, directory: impl AsRef<Path>) -> Self {
        self.path("data-dir", directory.as_ref())
    }

    /// What image URLs start with, if it is not the origin of each request.
    pub fn public_url(self, origin: &Url) -> Self {
        self.set("public-url", origin.as_str())
    }

    /// Which parts of the service run.
    pub fn role(self, role: Role) -> Self {
        self.set("role", role.as_str())
    }

    /// The server for tasks, concepts and quotas, as `postgres://…`, instead of SQLite in
    /// the data directory.
    pub fn tasks(self, server: &Url) -> Self {
        self.set("tasks", server.as_str())
    }

    /// The database of the tasks without a pooler, for notifications from other hosts.
    pub fn tasks_listen_url(self, server: &Url) -> Self {
        self.set("tasks-listen-url", server.as_str())
    }

    /// The server for the queue, as `nats://…` or `pubsub://PROJECT/TOPIC`, instead of
    /// the queue inside the task store.
    pub fn queue(self, server: &Url) -> Self {
        self.set("queue", server.as_str())
    }

    /// Where the API of Pub/Sub is. Over http no credentials are sent.
    pub fn pubsub_endpoint(self, url: &Url) -> Self {
        self.set("pubsub-endpoint", url.as_str())
    }

    /// The subscription that a worker pulls from. Without it, messages are pushed.
    pub fn pubsub_subscription(self, name: &str) -> Self {
        self.set("pubsub-subscription", name)
    }

    /// The audience that the token of a push must have.
    pub fn pubsub_audience(self, audience: &str) -> Self {
        self.set("pubsub-audience", audience)
    }

    /// The email of the service account that the token of a push must belong to.
    pub fn pubsub_service_account(self, email: &str) -> Self {
        self.set("pubsub-service-account", email)
    }

    /// Where Google publishes the keys that verify these tokens.
    pub fn pubsub_jwks_url(self, url: &Url) -> Self {
        self.set("pubsub-jwks-url", url.as_str())
    }

    /// The server for images, as `s3://…`, instead of files in the data directory.
    pub fn images(self, server: &Url) -> Self {
        self.set("images", server.as_str())
    }

    /// The component that refines, or a chain of components. Not used with a model of
    /// your own ([`HostBuilder::model`](crate::HostBuilder::model)).
    pub fn model(mut self, model: Model) -> Self {
        if let Err(problem) = model.set_in(&mut self.values) {
            self.problem.get_or_insert(problem);
        }
        self
    }

    /// What a provider that can download originals gets, unless a model overrides it.
    pub fn model_original(self, original: Original) -> Self {
        self.set("model-original", original.as_str())
    }

    /// Memory of one instance of the model, in bytes.
    pub fn model_memory(self, bytes: u64) -> Self {
        self.set("model-memory", bytes.to_string())
    }

    /// Memory of all instances of the model, in bytes. A call that needs more waits. By
    /// default half of the machine's memory.
    pub fn model_memory_total(self, bytes: u64) -> Self {
        self.set("model-memory-total", bytes.to_string())
    }

    /// Space for the images of all tasks in progress, in bytes. An original that needs
    /// more waits.
    pub fn image_memory(self, bytes: u64) -> Self {
        self.set("image-memory", bytes.to_string())
    }

    /// Refinements per user. None: unlimited.
    pub fn rate_limit(self, limit: Option<Quota>) -> Self {
        let text = limit.map(|quota| quota.to_string());
        self.set("rate-limit", text.as_deref().unwrap_or("unlimited"))
    }

    /// What a user may spend. None: unlimited.
    pub fn budget(self, budget: Option<Budget>) -> Self {
        let text = budget.map(|budget| budget.to_string());
        self.set("budget", text.as_deref().unwrap_or("unlimited"))
    }

    /// The plans of users, by names of `a-z`, `0-9` and `-`.
    pub fn plans<'a>(mut self, plans: impl IntoIterator<Item = (&'a str, Plan)>) -> Self {
        for (name, plan) in plans {
            self.values.set_plan(name, plan.settings());
        }
        self
    }

    /// The plan of users whose tokens name none.
    pub fn plan(self, name: &str) -> Self {
        self.set("plan", name)
    }

    /// The claim of a token that names its user's plan, or its path, as `app_metadata.plan`:
    /// never one that users can set.
    pub fn plan_claim(self, claim: &str) -> Self {
        self.set("plan-claim", claim)
    }

    /// How users authenticate.
    pub fn auth(self, authentication: &Authentication) -> Self {
        match authentication {
            Authentication::Anonymous => self.set("auth", "anonymous"),
            Authentication::Secret(secret) => self
                .set("auth", "secret")
                .set("jwt-secret", secret.as_str()),
            Authentication::Jwks(url) => self.set("auth", "jwks").set("jwks-url", url.as_str()),
        }
    }

    /// The `aud` that tokens must have. By default it is not checked.
    pub fn jwt_audience(self, audience: &str) -> Self {
        self.set("jwt-audience", audience)
    }

    /// The `iss` that tokens must have. By default it is not checked.
    pub fn jwt_issuer(self, issuer: &str) -> Self {
        self.set("jwt-issuer", issuer)
    }

    /// Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are trusted.
    pub fn trusted_proxies(self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.list("trusted-proxies", networks)
    }

    /// Origins whose pages may use the API with bearer tokens.
    pub fn cors_origins(self, origins: impl IntoIterator<Item = Url>) -> Self {
        self.list("cors-origins", origins)
    }

    /// Where originals may come from in addition to public addresses.
    pub fn allow_sources(self, hosts: impl IntoIterator<Item = Allowed>) -> Self {
        self.list("allow-sources", hosts)
    }

    /// A URL or an e-mail address that the user agent of downloads names, since some
    /// origins refuse a client that names nobody.
    pub fn contact(self, contact: &str) -> Self {
        self.set("contact", contact)
    }

    /// Whether models get originals without what is neither pixels nor says how they are to
    /// be seen: location, comments, content credentials and the like.
    pub fn strip_originals(self, strips: bool) -> Self {
        self.set("original-metadata", if strips { "strip" } else { "keep" })
    }

    /// Whether refined images are marked as made by a model, unless they say so themselves.
    pub fn mark_images(self, marks: bool) -> Self {
        self.set("provenance", if marks { "mark" } else { "keep" })
    }

    /// Whether anyone may ask where an image comes from (`POST /api/verify`).
    pub fn verify(self, verifies: bool) -> Self {
        self.set("verify", if verifies { "on" } else { "off" })
    }

    /// Where webhooks may go in addition, also by http.
    pub fn allow_webhooks(self, hosts: impl IntoIterator<Item = Allowed>) -> Self {
        self.list("allow-webhooks", hosts)
    }

    /// What the keys of webhooks are derived from: one secret, or two while the second
    /// is replaced by the first. They have no comma. Without it, the generated secret.
    pub fn webhook_secret<'a>(mut self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets: Vec<_> = secrets.into_iter().collect();
        if secrets.iter().any(|secret| secret.contains(',')) {
            let problem = "must have no comma in a secret".to_owned();
            let problem = unusable("webhook-secret", problem);
            self.problem.get_or_insert(problem);
        }
        self.list("webhook-secret", secrets)
    }

    /// A file of certificates (PEM) to trust in addition to the public authorities and
    /// the system's.
    pub fn ca_file(self, file: impl AsRef<Path>) -> Self {
        self.path("ca-file", file.as_ref())
    }

    /// Most tasks in flight.
    pub fn concurrency(self, tasks: usize) -> Self {
        self.set("concurrency", tasks.to_string())
    }

    /// How long a claim lasts without renewal. Then another worker takes the task over.
    pub fn lease(self, time: Duration) -> Self {
        self.time("lease", time)
    }

    /// With this many pending tasks, new ones are refused with 503.
    pub fn max_backlog(self, tasks: u32) -> Self {
        self.set("max-backlog", tasks.to_string())
    }

    /// The largest original, in bytes.
    pub fn max_image_bytes(self, bytes: u64) -> Self {
        self.set("max-image-bytes", bytes.to_string())
    }

    /// Most pixels of an original or a refined image.
    pub fn max_image_pixels(self, pixels: u64) -> Self {
        self.set("max-image-pixels", pixels.to_string())
    }

    /// Time limit for downloading an original.
    pub fn download_timeout(self, limit: Duration) -> Self {
        self.time("download-timeout", limit)
    }

    /// Time limit for one answer of a model.
    pub fn model_timeout(self, limit: Duration) -> Self {
        self.time("model-timeout", limit)
    }

    /// Whether to repeat a request that a provider may have accepted.
    pub fn model_repeat(self, repeat: Repeat) -> Self {
        let text = match repeat {
            Repeat::Unknown => "unknown",
            Repeat::Never => "never",
        };
        self.set("model-repeat", text)
    }

    /// Time limit for a whole task.
    pub fn task_timeout(self, limit: Duration) -> Self {
        self.time("task-timeout", limit)
    }

    /// How long a signed URL of an image is valid.
    pub fn image_url_ttl(self, time: Duration) -> Self {
        self.time("image-url-ttl", time)
    }

    /// How many tasks of a user may be pending or in progress at a time.
    pub fn active_tasks(self, tasks: u32) -> Self {
        self.set("active-tasks", tasks.to_string())
    }

    /// How many uploads a user may have.
    pub fn uploads(self, uploads: u32) -> Self {
        self.set("uploads", uploads.to_string())
    }

    /// Limit for a user's uploads together, in bytes.
    pub fn upload_bytes(self, bytes: u64) -> Self {
        self.set("upload-bytes", bytes.to_string())
    }

    /// Limit for all images together, in bytes. By default the disk except its reserve.
    pub fn max_store(self, bytes: u64) -> Self {
        self.set("max-store", bytes.to_string())
    }

    /// The age at which finished tasks, concepts with their images, and unused uploads
    /// are removed. None: never.
    pub fn retention(self, age: Option<Duration>) -> Self {
        self.age("retention", age)
    }

    /// How long an anonymous user's data is kept after the user's last session could have
    /// ended. None: for ever.
    pub fn anonymous_retention(self, age: Option<Duration>) -> Self {
        self.age("anonymous-retention", age)
    }

    /// Interval between garbage collections of images.
    pub fn collect_interval(self, time: Duration) -> Self {
        self.time("collect-interval", time)
    }

    /// Confirms that the clock is right: a start on the day of this moment (in UTC)
    /// trusts it. To be set after a warning that retention is suspended.
    pub fn confirm_clock(self, moment: SystemTime) -> Self {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let text = Timestamp::from_secs(since.as_secs()).to_string();
        let day = text.split('T').next().unwrap_or_default();
        self.set("confirm-clock", day)
    }

    /// Where Prometheus can get `GET /metrics`. By default only operators can, by the admin
    /// API.
    pub fn metrics_listen(self, address: SocketAddr) -> Self {
        self.set("metrics-listen", address.to_string())
    }

    /// Where operators find the admin API and its page, and the token with which they may
    /// act there. The socket in the data directory needs neither.
    pub fn admin_listen(self, address: SocketAddr, token: impl Into<String>) -> Self {
        self.set("admin-listen", address.to_string())
            .set("admin-token", token)
    }

    /// Names and tokens of operators who may act there; the audit has their names.
    pub fn admin_tokens<'a>(self, tokens: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tokens = tokens.into_iter();
        let tokens = tokens.map(|(name, token)| format!("{name}:{token}"));
        self.list("admin-tokens", tokens)
    }

    /// A token with which operators may only read.
    pub fn admin_read_token(self, token: impl Into<String>) -> Self {
        self.set("admin-read-token", token)
    }

    fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Some(setting) = table::find(name) {
            self.values.set(setting, value);
        }
        self
    }

    fn path(mut self, name: &'static str, path: &Path) -> Self {
        match path.to_str() {
            Some(path) => self.set(name, path),
            None => {
                let problem = format!("must be UTF-8, not {}", path.display());
                self.problem.get_or_insert(unusable(name, problem));
                self
            }
        }
    }

    /// Sets a duration in whole milliseconds.
    fn time(self, name: &str, time: Duration) -> Self {
        self.set(name, format!("{}ms", time.as_millis()))
    }

    fn age(self, name: &str, age: Option<Duration>) -> Self {
        match age {
            Some(age) => self.time(name, age),
            None => self.set(name, "off"),
        }
    }

    fn list<T: ToString>(self, name: &str, items: impl IntoIterator<Item = T>) -> Self {
        let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
        self.set(name, items.join(","))
    }
}
