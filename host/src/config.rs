//! The configuration: values from flags, variables and a file, checked whole
//! before anything starts.

mod access;
pub mod model;
mod sources;
pub mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::quota::parse_rate_limit;
use concept_refinement_domain::{duration, size};

pub use access::Networks;
pub use model::ModelChoice;
pub use sources::{ConfigError, Values};

use crate::egress::Origin;

/// More tasks in flight need more memory mappings than Linux grants a process
/// by default (`vm.max_map_count`).
const MAX_CONCURRENCY: usize = 4000;

/// The configuration in types.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    pub public_url: Option<String>,
    pub model: ModelChoice,
    pub model_origin: Option<Origin>,
    /// In bytes.
    pub model_memory: u64,
    pub auth: Auth,
    /// Where the issuer of tokens publishes its keys.
    pub jwks_url: Option<url::Url>,
    pub trusted_proxies: Networks,
    pub cors_origins: Vec<String>,
    pub allowed_sources: AllowedSources,
    pub concurrency: usize,
    pub lease: Duration,
    pub max_backlog: u32,
    /// In bytes.
    pub max_image_bytes: u64,
    pub model_timeout: Duration,
    pub task_timeout: Duration,
    pub image_url_ttl: Duration,
    /// None: nothing is removed because of its age.
    pub retention: Option<Duration>,
    /// None: nobody is told anything.
    pub metrics_listen: Option<SocketAddr>,
    pub log_format: LogFormat,
    /// What the components are granted, by name.
    pub values: Values,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Anonymous,
    Secret,
    Jwks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Checks all values, and names the first that is unusable.
    pub fn new(values: Values) -> Result<Self, ConfigError> {
        let v = Reader(&values);
        v.only("role", &["all"])?;
        v.only("tasks", &["sqlite"])?;
        v.only("queue", &["store"])?;
        v.only("images", &["file"])?;
        v.parse("rate-limit", parse_rate_limit)?;
        v.parse("max-image-pixels", positive::<u64>)?;
        v.parse("download-timeout", some_time)?;
        v.parse("uploads", whole::<u32>)?;
        v.optional("jwt-audience", not_empty)?;
        v.optional("jwt-issuer", not_empty)?;
        let (auth, jwks_url) = access::auth(&v)?;
        let (model, model_url) = model::read(&v)?;
        let config = Self {
            listen: v.parse("listen", |text| address(text, "127.0.0.1:8080"))?,
            data_dir: v.parse("data-dir", |text| not_empty(text).map(PathBuf::from))?,
            public_url: v.optional("public-url", public_url)?,
            model,
            model_origin: model_url.as_ref().and_then(Origin::of_url),
            model_memory: v.parse("model-memory", |text| {
                size::parse(text).and_then(|bytes| match bytes >> 20 {
                    16..=4096 => Ok(bytes),
                    _ => Err("must be between 16MiB and 4GiB".to_owned()),
                })
            })?,
            auth,
            jwks_url,
            trusted_proxies: v.parse("trusted-proxies", Networks::parse)?,
            cors_origins: v.parse("cors-origins", access::cors_origins)?,
            allowed_sources: v.parse("allow-sources", AllowedSources::parse)?,
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
            max_image_bytes: v.parse("max-image-bytes", |text| match size::parse(text)? {
                0 => Err("must not be zero".to_owned()),
                bytes if bytes > 32 << 20 => {
                    Err("must be at most 32MiB: the pipeline's memory is capped".to_owned())
                }
                bytes => Ok(bytes),
            })?,
            model_timeout: v.parse("model-timeout", some_time)?,
            task_timeout: v.parse("task-timeout", some_time)?,
            image_url_ttl: v.parse("image-url-ttl", |text| match some_time(text)? {
                ttl if ttl < Duration::from_secs(4) => Err("must be at least 4s".to_owned()),
                ttl => Ok(ttl),
            })?,
            retention: v.parse("retention", retention)?,
            metrics_listen: v.parse("metrics-listen", |text| match text.trim() {
                "off" => Ok(None),
                _ => match address(text, "127.0.0.1:9464") {
                    Ok(address) => Ok(Some(address)),
                    Err(problem) => Err(format!("{problem}, or off")),
                },
            })?,
            log_format: match v.only("log-format", &["text", "json"])? {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
            values: with_model_url(&values, model_url.as_ref()),
        };
        Ok(config)
    }
}

struct Reader<'a>(&'a Values);

impl<'a> Reader<'a> {
    fn optional<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.0
            .get(name)
            .map(parse)
            .transpose()
            .map_err(|problem| unusable(name, problem))
    }

    fn parse<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        self.optional(name, parse)?
            .ok_or_else(|| unusable(name, "must be set".to_owned()))
    }

    fn only(
        &self,
        name: &'static str,
        values: &[&'static str],
    ) -> Result<&'static str, ConfigError> {
        self.parse(name, |text| {
            values
                .iter()
                .find(|value| **value == text)
                .copied()
                .ok_or_else(|| format!("must be {}, not {text:?}", values.join(" or ")))
        })
    }
}

fn unusable(setting: &'static str, problem: String) -> ConfigError {
    ConfigError::Unusable { setting, problem }
}

fn whole<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("must be a whole number, not {text:?}"))
}

fn positive<T: std::str::FromStr + Default + PartialEq>(text: &str) -> Result<T, String> {
    match whole(text)? {
        number if number == T::default() => Err("must not be zero".to_owned()),
        number => Ok(number),
    }
}

fn address(text: &str, example: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("must be an address and a port, as {example}"))
}

fn not_empty(text: &str) -> Result<&str, String> {
    match text.trim() {
        "" => Err("must not be empty".to_owned()),
        _ => Ok(text),
    }
}

fn some_time(text: &str) -> Result<Duration, String> {
    match duration::parse(text)? {
        Duration::ZERO => Err("must not be zero".to_owned()),
        time => Ok(time),
    }
}

fn retention(text: &str) -> Result<Option<Duration>, String> {
    if text.trim() == "off" {
        return Ok(None);
    }
    match duration::parse(text) {
        Ok(time) if time < Duration::from_secs(1) => Err("must be at least 1s, or off".to_owned()),
        Ok(time) => Ok(Some(time)),
        Err(problem) => Err(format!("{problem}, or off")),
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let problem = || "must be an http or https origin, as https://images.example.com".to_owned();
    let url = url::Url::parse(text).map_err(|_| problem())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain {
        return Err(problem());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The components are told the provider's default, and a URL in its usual form.
fn with_model_url(values: &Values, url: Option<&url::Url>) -> Values {
    let mut values = values.clone();
    if let (Some(url), Some(setting)) = (url, table::find("model-url")) {
        values.set(setting, url.as_str());
    }
    values
}

#[cfg(test)]
mod tests;
