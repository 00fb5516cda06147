//! A typed API for the settings, for programs that embed the host.
//!
//! It produces the same texts as the command line and the file, so that there is only one
//! parser and one validation of each setting.

/// A method for each of these settings, which has its name: the parameter, and what it is as
/// text.
macro_rules! text_setters {
    ($builder:ident {
        $($(#[$doc:meta])* $setting:ident($value:ident: $type:ty) = $text:expr;)+
    }) => {
        impl $builder {
            $($(#[$doc])*
            pub fn $setting(self, $value: $type) -> Self {
                self.set(stringify!($setting), $text)
            })+
        }
    };
}

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

    /// The directory for the SQLite file, the images, the generated secret and the
    /// compiled code. It is created if it does not exist.
    pub fn data_dir(self, directory: impl AsRef<Path>) -> Self {
        self.path("data-dir", directory.as_ref())
    }

    /// The component that refines, or a chain of components. Not used with a model of
    /// your own ([`HostBuilder::model`](crate::HostBuilder::model)).
    pub fn model(mut self, model: Model) -> Self {
        if let Err(problem) = model.set_in(&mut self.values) {
            self.problem.get_or_insert(problem);
        }
        self
    }

    /// The plans of users, by names of `a-z`, `0-9` and `-`.
    pub fn plans<'a>(mut self, plans: impl IntoIterator<Item = (&'a str, Plan)>) -> Self {
        for (name, plan) in plans {
            self.values.set_plan(name, plan.settings());
        }
        self
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

    /// Whether models get originals without what is neither pixels nor says how they are to
    /// be seen: location, comments, content credentials and the like.
    pub fn strip_originals(self, strips: bool) -> Self {
        self.set("original-metadata", if strips { "strip" } else { "keep" })
    }

    /// Whether refined images are marked as made by a model, unless they say so themselves.
    pub fn mark_images(self, marks: bool) -> Self {
        self.set("provenance", if marks { "mark" } else { "keep" })
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
        self.set("webhook-secret", list(secrets))
    }

    /// A file of certificates (PEM) to trust in addition to the public authorities and
    /// the system's.
    pub fn ca_file(self, file: impl AsRef<Path>) -> Self {
        self.path("ca-file", file.as_ref())
    }

    /// Confirms that the clock is right: a start on the day of this moment (in UTC)
    /// trusts it. To be set after a warning that retention is suspended.
    pub fn confirm_clock(self, moment: SystemTime) -> Self {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let text = Timestamp::from_secs(since.as_secs()).to_string();
        let day = text.split('T').next().unwrap_or_default();
        self.set("confirm-clock", day)
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
        self.set("admin-tokens", list(tokens))
    }

    fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.set_by_name(&name.replace('_', "-"), value);
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
}

text_setters! {
    ConfigBuilder {
        /// Where to listen for HTTP. With port 0 the system chooses a port, which
        /// [`Host::address`](crate::Host::address) returns.
        listen(address: SocketAddr) = address.to_string();

        /// What image URLs start with, if it is not the origin of each request.
        public_url(origin: &Url) = origin.as_str();

        /// Which parts of the service run.
        role(role: Role) = role.as_str();

        /// The server for tasks, concepts and quotas, as `postgres://…`, instead of SQLite in
        /// the data directory.
        tasks(server: &Url) = server.as_str();

        /// The database of the tasks without a pooler, for notifications from other hosts.
        tasks_listen_url(server: &Url) = server.as_str();

        /// The server for the queue, as `nats://…` or `pubsub://PROJECT/TOPIC`, instead of
        /// the queue inside the task store.
        queue(server: &Url) = server.as_str();

        /// Where the API of Pub/Sub is. Over http no credentials are sent.
        pubsub_endpoint(url: &Url) = url.as_str();

        /// The subscription that a worker pulls from. Without it, messages are pushed.
        pubsub_subscription(name: &str) = name;

        /// The audience that the token of a push must have.
        pubsub_audience(audience: &str) = audience;

        /// The email of the service account that the token of a push must belong to.
        pubsub_service_account(email: &str) = email;

        /// Where Google publishes the keys that verify these tokens.
        pubsub_jwks_url(url: &Url) = url.as_str();

        /// The server for images, as `s3://…`, instead of files in the data directory.
        images(server: &Url) = server.as_str();

        /// What a provider that can download originals gets, unless a model overrides it.
        model_original(original: Original) = original.as_str();

        /// Whether to repeat a request that a provider may have accepted.
        model_repeat(repeat: Repeat) = repeat.as_str();

        /// Memory of one instance of the model, in bytes.
        model_memory(bytes: u64) = bytes.to_string();

        /// Memory of all instances of the model, in bytes. A call that needs more waits. By
        /// default half of the machine's memory.
        model_memory_total(bytes: u64) = bytes.to_string();

        /// Space for the images of all tasks in progress, in bytes. An original that needs
        /// more waits.
        image_memory(bytes: u64) = bytes.to_string();

        /// Refinements per user. None: unlimited.
        rate_limit(limit: Option<Quota>) = or_unlimited(limit);

        /// What a user may spend. None: unlimited.
        budget(budget: Option<Budget>) = or_unlimited(budget);

        /// The plan of users whose tokens name none.
        plan(name: &str) = name;

        /// The claim of a token that names its user's plan, or its path, as `app_metadata.plan`:
        /// never one that users can set.
        plan_claim(claim: &str) = claim;

        /// The `aud` that tokens must have. By default it is not checked.
        jwt_audience(audience: &str) = audience;

        /// The `iss` that tokens must have. By default it is not checked.
        jwt_issuer(issuer: &str) = issuer;

        /// Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are trusted.
        trusted_proxies(networks: impl IntoIterator<Item = IpNet>) = list(networks);

        /// Origins whose pages may use the API with bearer tokens.
        cors_origins(origins: impl IntoIterator<Item = Url>) = list(origins);

        /// Where originals may come from in addition to public addresses.
        allow_sources(hosts: impl IntoIterator<Item = Allowed>) = list(hosts);

        /// A URL or an e-mail address that the user agent of downloads names, since some
        /// origins refuse a client that names nobody.
        contact(contact: &str) = contact;

        /// Whether anyone may ask where an image comes from (`POST /api/verify`).
        verify(verifies: bool) = if verifies { "on" } else { "off" };

        /// Where webhooks may go in addition, also by http.
        allow_webhooks(hosts: impl IntoIterator<Item = Allowed>) = list(hosts);

        /// Most tasks in flight.
        concurrency(tasks: usize) = tasks.to_string();

        /// How long a claim lasts without renewal. Then another worker takes the task over.
        lease(time: Duration) = milliseconds(time);

        /// With this many pending tasks, new ones are refused with 503.
        max_backlog(tasks: u32) = tasks.to_string();

        /// The largest original, in bytes.
        max_image_bytes(bytes: u64) = bytes.to_string();

        /// Most pixels of an original or a refined image.
        max_image_pixels(pixels: u64) = pixels.to_string();

        /// Time limit for downloading an original.
        download_timeout(limit: Duration) = milliseconds(limit);

        /// Time limit for one answer of a model.
        model_timeout(limit: Duration) = milliseconds(limit);

        /// Time limit for a whole task.
        task_timeout(limit: Duration) = milliseconds(limit);

        /// How long a signed URL of an image is valid.
        image_url_ttl(time: Duration) = milliseconds(time);

        /// How many tasks of a user may be pending or in progress at a time.
        active_tasks(tasks: u32) = tasks.to_string();

        /// How many uploads a user may have.
        uploads(uploads: u32) = uploads.to_string();

        /// Limit for a user's uploads together, in bytes.
        upload_bytes(bytes: u64) = bytes.to_string();

        /// Limit for all images together, in bytes. By default the disk except its reserve.
        max_store(bytes: u64) = bytes.to_string();

        /// The age at which finished tasks, concepts with their images, and unused uploads
        /// are removed. None: never.
        retention(age: Option<Duration>) = or_off(age);

        /// How long an anonymous user's data is kept after the user's last session could have
        /// ended. None: for ever.
        anonymous_retention(age: Option<Duration>) = or_off(age);

        /// Interval between garbage collections of images.
        collect_interval(time: Duration) = milliseconds(time);

        /// Where Prometheus can get `GET /metrics`. By default only operators can, by the admin
        /// API.
        metrics_listen(address: SocketAddr) = address.to_string();

        /// A token with which operators may only read.
        admin_read_token(token: impl Into<String>) = token;
    }
}

/// In whole milliseconds.
fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

fn or_off(age: Option<Duration>) -> String {
    age.map_or_else(|| "off".to_owned(), milliseconds)
}

fn or_unlimited(limit: Option<impl ToString>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(",")
}
