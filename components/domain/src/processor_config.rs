//! The processor's settings. Who answers for its readiness elsewhere judges them alike.

use std::num::NonZeroU64;
use std::time::Duration;

use thiserror::Error;

use crate::contact::{Contact, user_agent};
use crate::image::Limits;
use crate::original::AllowedSources;
use crate::partial_edit::MAX_COMPOSITE_BYTES;
use crate::{duration, size};

/// Their names.
pub const SETTINGS: [&str; 11] = [
    "allow-sources",
    "contact",
    "download-timeout",
    "max-image-bytes",
    "max-image-pixels",
    "model-timeout",
    "model-url",
    "original-metadata",
    "provenance",
    "public-url",
    "task-timeout",
];

/// Largest answer of a model (`docs/limits.md`): models may enlarge an original.
const MAX_ANSWER_BYTES: u64 = 50 * 1024 * 1024;

/// The settings of the processor.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of an original.
    pub max_image_bytes: u64,
    /// Of an image.
    pub max_image_pixels: u64,
    /// Of a download.
    pub download_timeout: Duration,
    /// Of an answer of the model.
    pub model_timeout: Duration,
    /// Of a whole task.
    pub task_timeout: Duration,
    /// Addresses of originals that may be private.
    pub allowed_sources: AllowedSources,
    /// The URLs of the model's providers, one for each link of a chain that has one; the
    /// model's answers may link to the same hosts.
    pub model_urls: Vec<url::Url>,
    /// Where this service is for its users.
    pub public_url: Option<String>,
    /// The user agent of downloads.
    pub user_agent: String,
    /// Whether models get originals without their metadata.
    pub strips_originals: bool,
    /// Whether images are marked that do not say that a model made them.
    pub marks_images: bool,
}

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("the setting {name} is unusable: {problem}")]
pub struct ConfigError {
    /// Its name, one of [`SETTINGS`].
    pub name: &'static str,
    /// What is wrong with its value, which it may quote.
    pub problem: String,
}

impl Config {
    /// Reads the values of [`SETTINGS`], in that order.
    pub fn from_values(values: &[Option<String>]) -> Result<Self, ConfigError> {
        Self::from_settings(|name| {
            let mut settings = SETTINGS.iter().zip(values);
            let (_, value) = settings.find(|(setting, _)| **setting == name)?;
            value.clone()
        })
    }

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
            max_image_bytes: read(&get, "max-image-bytes", 20 * 1024 * 1024, size::some_bytes)?,
            max_image_pixels: read(&get, "max-image-pixels", 50_000_000, |text| {
                let number = text.parse::<NonZeroU64>().map(NonZeroU64::get);
                number.map_err(|_| "not a whole number above zero".to_owned())
            })?,
            download_timeout: read(&get, "download-timeout", seconds(30), duration::some_time)?,
            model_timeout: read(&get, "model-timeout", seconds(60), duration::some_time)?,
            task_timeout: read(&get, "task-timeout", seconds(300), duration::some_time)?,
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

    /// The limits of an original from elsewhere.
    pub fn original_limits(&self) -> Limits {
        self.limits(self.max_image_bytes)
    }

    /// The limits of an image that is stored here. It was judged by its own when it came: as an
    /// upload, or as the result of an edit of a part, which may be longer than an upload.
    pub fn stored_limits(&self) -> Limits {
        self.limits(self.max_image_bytes.max(MAX_COMPOSITE_BYTES))
    }

    /// The limits of the result of an edit of a part. `length`: how long it can be, in bytes.
    pub fn composite_limits(&self, length: u64) -> Limits {
        self.limits(length.min(MAX_COMPOSITE_BYTES))
    }

    /// The limits of an answer of a model.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_cannot_be_used_is_named() {
        for (name, value, is_usable) in [
            ("allow-sources", "10.0.0.0/8,example.com:81", true),
            ("allow-sources", "/8", false),
            ("contact", "https://example.com", true),
            ("contact", "a\nb", false),
            ("download-timeout", "30s", true),
            ("download-timeout", "0s", false),
            ("max-image-bytes", "1", true),
            ("max-image-bytes", "0KiB", false),
            ("max-image-pixels", "1", true),
            ("max-image-pixels", "0", false),
            ("max-image-pixels", "many", false),
            ("model-timeout", "1ms", true),
            ("model-timeout", "x", false),
            ("model-timeout", "0ms", false),
            ("model-url", "http://a.example http://b.example", true),
            ("model-url", "a.example", false),
            ("original-metadata", "keep", true),
            ("original-metadata", "mark", false),
            ("provenance", "keep", true),
            ("provenance", "maybe", false),
            ("task-timeout", "5m", true),
            ("task-timeout", "0s", false),
        ] {
            let set = |setting: &&str| (*setting == name).then(|| value.to_owned());
            let values: Vec<_> = SETTINGS.iter().map(set).collect();
            let refused = Config::from_values(&values).err().map(|error| error.name);
            assert_eq!(refused, (!is_usable).then_some(name), "{name}={value}");
        }
        assert!(Config::from_values(&[]).is_ok(), "nothing is set");
    }
}
