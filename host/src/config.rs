//! The configuration: values from flags, variables and a file, all validated before
//! anything starts.

mod access;
mod admin;
mod builder;
mod error;
mod exposure;
mod forms;
mod lines;
mod link_values;
mod model;
mod place;
mod plans;
mod push;
mod reader;
mod role;
mod sources;
pub mod table;
mod tables;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use concept_refinement_domain::budget::parse_budget;
use concept_refinement_domain::clock_trust::parse_day;
use concept_refinement_domain::contact::Contact;
use concept_refinement_domain::duration::some_time;
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::quota::{parse_active_tasks, parse_rate_limit};
use concept_refinement_domain::size;
use concept_refinement_domain::webhook::ServiceSecrets;
use concept_refinement_tokens::parse_plan_claim;

use admin::admin_listener;
use forms::{address, directory, not_empty, or_off, positive, public_url, retention, whole};
use reader::Reader;

pub(crate) use access::Auth;
pub(crate) use admin::{AdminListener, AdminToken, TokenHash};
pub use builder::{Allowed, Authentication, ConfigBuilder, Model, ModelProvider, Original, Plan};
pub use concept_refinement_capability::payments::Repeat;
pub use concept_refinement_domain::budget::Budget;
pub use concept_refinement_domain::money::MicroDollars;
pub use concept_refinement_domain::quota::{Quota, Window};
pub use error::ConfigError;
pub(crate) use exposure::exposed;
pub(crate) use forms::is_url;
pub use ipnet::IpNet;
pub(crate) use model::{ModelChoice, ModelLink, shipped_models};
pub(crate) use push::Push;
pub use role::Role;
pub use sources::Values;
pub(crate) use sources::{MACHINE_FILE, SETTINGS_FILE};
pub use url::{Host, Url};

use concept_refinement_capability::engine::{Engine, find};
use concept_refinement_capability::tls::Trust;
use concept_refinement_runtime::ingress::networks::Networks;

use crate::wiring::engines::{IMAGES, QUEUES, TASKS};

/// More tasks in flight would need more memory mappings than Linux allows by default
/// (`vm.max_map_count`).
const MAX_CONCURRENCY: usize = 4000;

/// A valid configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) role: Role,
    pub(crate) public_url: Option<String>,
    /// Engine and location of each kind of store.
    pub(crate) tasks: String,
    pub(crate) queue: String,
    pub(crate) images: String,
    /// None: push delivery is not configured for this process.
    pub(crate) push: Option<Push>,
    pub(crate) model: ModelLink,
    /// In bytes.
    pub(crate) model_memory: u64,
    /// In bytes. None: derived from the machine's memory.
    pub(crate) model_memory_total: Option<u64>,
    /// In bytes.
    pub(crate) image_memory: usize,
    pub(crate) auth: Auth,
    /// URL of the token issuer's keys.
    pub(crate) jwks_url: Option<url::Url>,
    pub(crate) trusted_proxies: Networks,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) allowed_sources: AllowedSources,
    /// Receivers of webhooks that are allowed in addition to public ones by https.
    pub(crate) allowed_webhooks: AllowedSources,
    /// None: derived from the generated secret.
    pub(crate) webhook_secret: Option<String>,
    pub(crate) concurrency: usize,
    pub(crate) lease: Duration,
    pub(crate) max_backlog: u32,
    /// In bytes.
    pub(crate) max_image_bytes: u64,
    /// Limit for all images together, in bytes. None: only the disk limits them.
    pub(crate) max_store: Option<u64>,
    pub(crate) model_timeout: Duration,
    pub(crate) model_repeat: Repeat,
    pub(crate) task_timeout: Duration,
    /// Whether anyone may ask where an image comes from.
    pub(crate) verifies: bool,
    pub(crate) image_url_ttl: Duration,
    /// None: data never expires.
    pub(crate) retention: Option<Duration>,
    /// None: data of anonymous users is kept, or there are no anonymous users.
    pub(crate) anonymous_retention: Option<Duration>,
    /// Which certificate authorities to trust.
    pub(crate) trust: Trust,
    /// Time between two garbage collections.
    pub(crate) collect_interval: Duration,
    /// A day in UTC on which the operator vouches for the clock.
    pub(crate) confirmed_day: Option<String>,
    /// None: only operators can read the metrics.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// None: operators use the socket in the data directory only.
    pub(crate) admin: Option<AdminListener>,
    pub(crate) log_format: LogFormat,
    /// All values; components are granted some of them by name.
    pub(crate) values: Values,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Logs the configuration of a service, without passwords.
    pub(crate) fn log(&self, file: Option<&Path>) {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            role = self.role.as_str(),
            tasks = place::of(&self.tasks),
            queue = place::of(&self.queue),
            images = place::of(&self.images),
            model = self.values.get("model"),
            settings = file.map(|file| file.display().to_string()),
            "starting"
        );
    }

    /// A builder with all defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::from(Values::new())
    }

    /// Checks all values.
    ///
    /// # Errors
    ///
    /// The first value that is invalid, or that is missing although it is required.
    pub fn new(values: Values) -> Result<Self, ConfigError> {
        let v = Reader(&values);
        let role = role::read(&v)?;
        v.parse("rate-limit", parse_rate_limit)?;
        v.parse("active-tasks", parse_active_tasks)?;
        v.parse("budget", parse_budget)?;
        v.parse("plan-claim", parse_plan_claim)?;
        values.plans.check()?;
        v.optional("plan", |name| match values.plans.is_defined(name) {
            true => Ok(()),
            false => Err(format!("must be a plan of the settings file, not {name:?}")),
        })?;
        v.parse("max-image-pixels", positive::<u64>)?;
        v.parse("download-timeout", some_time)?;
        v.parse("uploads", whole::<u32>)?;
        v.parse("upload-bytes", size::parse)?;
        v.optional("tasks-listen-url", |url| store(TASKS, url))?;
        v.optional("jwt-audience", not_empty)?;
        v.optional("jwt-issuer", not_empty)?;
        v.optional("contact", Contact::parse)?;
        v.word("original-metadata")?;
        v.word("provenance")?;
        let (auth, jwks_url) = access::auth(&v)?;
        let model = model::read(&v)?;
        let model_memory = v.parse("model-memory", |text| {
            size::parse(text).and_then(|bytes| match bytes >> 20 {
                16..=4096 => Ok(bytes),
                _ => Err("must be between 16MiB and 4GiB".to_owned()),
            })
        })?;
        let model_memory_total = v.optional("model-memory-total", size::parse)?;
        if model_memory_total.is_some_and(|total| total < model_memory) {
            let problem = "must be at least model_memory, which one instance may have";
            return Err(v.unusable("model-memory-total", problem));
        }
        Ok(Self {
            listen: v.parse("listen", |text| address(text, "127.0.0.1:8080"))?,
            data_dir: v.parse("data-dir", directory)?,
            role,
            push: push::read(&v, role)?,
            public_url: v.optional("public-url", public_url)?,
            tasks: v.parse("tasks", |url| store(TASKS, url))?,
            queue: v.parse("queue", |url| store(QUEUES, url))?,
            images: v.parse("images", |url| store(IMAGES, url))?,
            model,
            model_memory,
            model_memory_total,
            image_memory: v.parse("image-memory", |text| {
                let bytes = size::parse(text)?;
                match usize::try_from(bytes) {
                    Ok(bytes) if bytes >> 20 >= 128 => Ok(bytes),
                    _ => Err("must be at least 128MiB".to_owned()),
                }
            })?,
            auth,
            jwks_url,
            trusted_proxies: v.parse("trusted-proxies", Networks::parse)?,
            cors_origins: v.parse("cors-origins", access::cors_origins)?,
            allowed_sources: v.parse("allow-sources", AllowedSources::parse)?,
            allowed_webhooks: v.parse("allow-webhooks", AllowedSources::parse)?,
            webhook_secret: v.optional("webhook-secret", |text| {
                ServiceSecrets::parse(text).map(|_| text.to_owned())
            })?,
            concurrency: v.parse("concurrency", |text| match positive(text)? {
                n if n <= MAX_CONCURRENCY => Ok(n),
                _ => Err(format!("must be between 1 and {MAX_CONCURRENCY}")),
            })?,
            lease: v.parse("lease", |text| {
                let lease = some_time(text)?;
                if lease < Duration::from_secs(1) || lease > Duration::from_secs(3600) {
                    return Err("must be between 1s and 1h".to_owned());
                }
                Ok(lease)
            })?,
            max_backlog: v.parse("max-backlog", positive)?,
            max_image_bytes: v.parse("max-image-bytes", |text| match size::some_bytes(text)? {
                bytes if bytes > 32 << 20 => {
                    Err("must be at most 32MiB: the pipeline's memory is capped".to_owned())
                }
                bytes => Ok(bytes),
            })?,
            max_store: v.optional("max-store", size::some_bytes)?,
            model_timeout: v.parse("model-timeout", some_time)?,
            model_repeat: Repeat::of(v.word("model-repeat")?).unwrap_or_default(),
            task_timeout: v.parse("task-timeout", some_time)?,
            verifies: v.word("verify")? == "on",
            image_url_ttl: v.parse("image-url-ttl", |text| match some_time(text)? {
                ttl if ttl < Duration::from_secs(4) => Err("must be at least 4s".to_owned()),
                ttl => Ok(ttl),
            })?,
            retention: v.parse("retention", retention)?,
            anonymous_retention: v
                .parse("anonymous-retention", retention)?
                .filter(|_| auth == Auth::Anonymous),
            trust: v
                .optional("ca-file", |file| Trust::default().and(Path::new(file)))?
                .unwrap_or_default(),
            collect_interval: v.parse("collect-interval", |text| match some_time(text)? {
                time if time < Duration::from_secs(1) => Err("must be at least 1s".to_owned()),
                time => Ok(time),
            })?,
            confirmed_day: v
                .optional("confirm-clock", |day| parse_day(day).map_err(str::to_owned))?,
            metrics_listen: v.parse("metrics-listen", |text| or_off(text, "127.0.0.1:9464"))?,
            admin: admin_listener(&v)?,
            log_format: match v.word("log-format")? {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
            values,
        })
    }

    /// The error about the value of a setting, which names where it was set.
    pub(crate) fn unusable(&self, setting: &str, problem: impl Display) -> ConfigError {
        Reader(&self.values).unusable(setting, problem)
    }

    /// Whether somebody has a budget, although no price is known.
    fn has_budget_without_price(&self) -> bool {
        let has_budget = self.values.get("budget").is_some_and(plans::is_limit);
        let has_budget = has_budget || self.values.plans.have_budget();
        has_budget && self.model.prices().is_empty()
    }

    /// Where the issuer of the tokens publishes its keys, if one signs them.
    pub(crate) fn issuer_url(&self) -> Option<&Url> {
        self.jwks_url.as_ref().filter(|_| self.auth == Auth::Jwks)
    }

    /// What is possible and may not be meant, as sentences.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = access::without_effect(&Reader(&self.values), self.auth);
        if role::is_shared(&self.tasks) && !role::is_shared(&self.images) {
            let unshared = "images are on this machine alone, so no other host can use the tasks \
                            in this database (images = s3://BUCKET/PREFIX is for several hosts)";
            warnings.push(unshared.to_owned());
        }
        if self.has_budget_without_price() {
            let unpriced = "there is a budget and no price (model-price, or price of \
                            [models.NAME]): of a call only what its provider says of the cost \
                            counts";
            warnings.push(unpriced.to_owned());
        }
        warnings
    }

    /// Variables of model links that have no meaning for this model. They are not an
    /// error.
    pub fn unknown_variables(&self) -> Vec<String> {
        let values = Reader(&self.values);
        let names = model::unknown_variables(&values, &self.model);
        let variable = |name: &&str| format!("REFINEMENT_MODELS_{name}");
        names.iter().map(variable).collect()
    }
}

/// The value of a setting that names a store, if there is an engine that can read it.
fn store<O, S>(engines: &'static [Engine<O, S>], url: &str) -> Result<String, String> {
    (find(engines, url)?.check)(url)?;
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests;
