//! The pipeline's settings.

use std::time::Duration;

use concept_refinement_domain::contact::{Contact, user_agent};
use concept_refinement_domain::image::Limits;
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::{duration, size};
use thiserror::Error;

/// Largest answer of a model (`docs/limits.md`): models may enlarge an original.
const MAX_ANSWER_BYTES: u64 = 50 * 1024 * 1024;

/// Largest result of an edit of a part, which is encoded without loss.
const MAX_COMPOSITE_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Config {
    pub max_image_bytes: u64,
    pub max_image_pixels: u64,
    pub download_timeout: Duration,
    pub model_timeout: Duration,
    pub task_timeout: Duration,
    pub allowed_sources: AllowedSources,
    /// The URLs of the model's providers, one for each link of a chain that has one; the
    /// model's answers may link to the same hosts.
    pub model_urls: Vec<url::Url>,
    pub public_url: Option<String>,
    /// The user agent of downloads.
    pub user_agent: String,
    /// Whether models get originals without their metadata.
    pub strips_originals: bool,
    /// Whether images are marked that do not say that a model made them.
    pub marks_images: bool,
}

#[derive(Debug, PartialEq, Eq, Error)]
#[error("the setting {name} is unusable: {problem}")]
pub struct ConfigError {
    pub name: &'static str,
    pub problem: String,
}

impl Config {
    /// Reads settings by name; an unset one has the default of `docs/settings.md`.
    pub fn from_settings(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        fn read<T>(
            get: &impl Fn(&str) -> Option<String>,
            name: &'static str,
            default: T,
            parse: impl Fn(&str) -> Result<T, String>,
        ) -> Result<T, ConfigError> {
            match get(name) {
                None => Ok(default),
                Some(text) => parse(&text).map_err(|problem| ConfigError { name, problem }),
            }
        }
        let seconds = Duration::from_secs;
        Ok(Self {
            max_image_bytes: read(&get, "max-image-bytes", 20 * 1024 * 1024, size::parse)?,
            max_image_pixels: read(&get, "max-image-pixels", 50_000_000, |text| {
                text.parse().map_err(|_| "not a whole number".to_owned())
            })?,
            download_timeout: read(&get, "download-timeout", seconds(30), duration::parse)?,
            model_timeout: read(&get, "model-timeout", seconds(60), duration::parse)?,
            task_timeout: read(&get, "task-timeout", seconds(300), duration::parse)?,
            allowed_sources: read(
                &get,
                "allow-sources",
                AllowedSources::default(),
                AllowedSources::parse,
            )?,
            model_urls: read(&get, "model-url", Vec::new(), |text| {
                let urls = text.split_ascii_whitespace().map(url::Url::parse);
                urls.collect::<Result<_, _>>()
                    .map_err(|_| "not a URL".to_owned())
            })?,
            public_url: get("public-url"),
            strips_originals: read(&get, "original-metadata", true, |text| does(text, "strip"))?,
            marks_images: read(&get, "provenance", true, |text| does(text, "mark"))?,
            user_agent: {
                let contact = read(&get, "contact", None, |text| Contact::parse(text).map(Some))?;
                user_agent(env!("CARGO_PKG_VERSION"), contact.as_ref())
            },
        })
    }

    pub fn original_limits(&self) -> Limits {
        self.limits(self.max_image_bytes)
    }

    /// `length`: how long the result can be, in bytes.
    pub fn composite_limits(&self, length: u64) -> Limits {
        self.limits(length.min(MAX_COMPOSITE_BYTES))
    }

    pub fn answer_limits(&self) -> Limits {
        self.limits(MAX_ANSWER_BYTES)
    }

    fn limits(&self, max_bytes: u64) -> Limits {
        Limits {
            max_bytes,
            max_pixels: self.max_image_pixels,
        }
    }
}

/// Whether a setting is this word, rather than `keep`.
fn does(text: &str, word: &str) -> Result<bool, String> {
    match text {
        "keep" => Ok(false),
        text if text == word => Ok(true),
        _ => Err(format!("not {word} or keep")),
    }
}
