//! Checks the answers of a model as the pipeline would.

use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::model::{ImageOrLocation, ModelAnswer, ModelError};
use concept_refinement_domain::image::{Inspector, Limits};
use concept_refinement_domain::note;
use concept_refinement_domain::size;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use url::Url;

use crate::config::Config;

/// As large as a model's answer may be (`docs/limits.md`), in bytes.
const MAX_ANSWER: u64 = 50 << 20;

/// Longest sentence that a task stores, in code points.
const MAX_SENTENCE: usize = 1_000;

/// Longest URL, in bytes.
const MAX_ADDRESS: usize = 2_048;

pub struct Judge<'a> {
    limits: Limits,
    /// Of all links.
    keys: Vec<&'a str>,
    limit: Duration,
}

impl<'a> Judge<'a> {
    pub fn new(config: &'a Config) -> Self {
        let pixels = config.values.get("max-image-pixels");
        let links = config.model.links().into_iter();
        let keys = links.filter_map(|link| link.settings.0.get("model-api-key"));
        Self {
            limits: Limits {
                max_bytes: MAX_ANSWER,
                max_pixels: pixels
                    .and_then(|pixels| pixels.parse().ok())
                    .unwrap_or(u64::MAX),
            },
            keys: keys.map(String::as_str).collect(),
            limit: config.model_timeout,
        }
    }

    pub fn description(&self, text: &str) -> Result<String, String> {
        self.sentence(text)?;
        Ok(text.to_owned())
    }

    /// For an answer to a valid image.
    pub async fn answer(&self, answer: Result<ModelAnswer, ModelError>) -> Result<String, String> {
        match answer {
            Ok(ModelAnswer { image, notes, .. }) => self
                .notes(&notes)
                .map_err(|problem| format!("in a note {problem}"))
                .and(self.refined(image).await),
            Err(error) => self.error(error),
        }
    }

    /// For an answer to other input: the call only has to end.
    pub async fn ending(&self, answer: Result<ModelAnswer, ModelError>) -> Result<String, String> {
        match answer {
            Ok(answer) => match answer.image {
                ImageOrLocation::Image { contents, .. } => {
                    let read = self.read(contents).await;
                    read.map(|(_, bytes)| size::in_words(bytes))
                }
                ImageOrLocation::Location(url) => address(&url),
            },
            Err(error) => self.error(error),
        }
    }

    async fn refined(&self, image: ImageOrLocation) -> Result<String, String> {
        match image {
            ImageOrLocation::Image {
                media_type,
                length,
                contents,
            } => match self.read(contents).await? {
                (Ok(format), bytes) => self::image(&media_type, format, length, bytes),
                (Err(problem), _) => Err(format!("it answered an image, but {problem}")),
            },
            ImageOrLocation::Location(url) => address(&url),
        }
    }

    /// The media type and the length of the answer, or the problem with it.
    async fn read(
        &self,
        mut contents: BoxStream<'static, Bytes>,
    ) -> Result<(Result<&'static str, String>, u64), String> {
        let mut inspector = Inspector::new(self.limits);
        let mut bytes = 0u64;
        let read = async {
            while let Some(chunk) = contents.next().await {
                bytes += chunk.len() as u64;
                // It keeps the first problem, which `finish` returns.
                let _ = inspector.push(&chunk);
                if bytes > self.limits.max_bytes {
                    break;
                }
            }
        };
        tokio::time::timeout(self.limit, read)
            .await
            .map_err(|_| "its image did not end in time".to_owned())?;
        let format = inspector.finish().map(|image| image.format.media_type());
        Ok((format.map_err(|problem| problem.to_string()), bytes))
    }

    fn error(&self, error: ModelError) -> Result<String, String> {
        let (what, reason) = match error {
            ModelError::Refused(reason) => ("it refused", reason),
            ModelError::Unauthorized(reason) => ("it refused its key", reason),
            ModelError::Unknown(reason) => ("it does not know what came of it", reason),
            ModelError::Unavailable { reason, .. } => ("it was not available", reason),
            ModelError::Broken(problem) => return Err(problem),
        };
        self.sentence(&reason)?;
        Ok(format!("{what}: {reason}"))
    }

    /// Checks what users may see of the notes, and that no key is in them, which may stand where
    /// a note is cut.
    fn notes(&self, notes: &[String]) -> Result<(), String> {
        notes.iter().try_for_each(|note| self.keyless(note))?;
        let mut shown = note::bounded(notes).into_iter();
        shown.try_for_each(|note| self.sentence(&note))
    }

    /// Checks a sentence that users may see.
    fn sentence(&self, text: &str) -> Result<(), String> {
        if text.trim().is_empty() {
            return Err("it said nothing".to_owned());
        }
        if text.chars().count() > MAX_SENTENCE {
            return Err(format!("it said more than {MAX_SENTENCE} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("it said what cannot be printed".to_owned());
        }
        self.keyless(text)
    }

    fn keyless(&self, text: &str) -> Result<(), String> {
        match self.keys.iter().any(|key| text.contains(*key)) {
            true => Err("it told its key".to_owned()),
            false => Ok(()),
        }
    }
}

fn image(
    declared_type: &str,
    media_type: &str,
    declared: Option<u64>,
    bytes: u64,
) -> Result<String, String> {
    if declared_type != media_type {
        return Err(format!("it called {declared_type:?} what is {media_type}"));
    }
    match declared {
        Some(declared) if declared != bytes => {
            Err(format!("it declared {declared} bytes and answered {bytes}"))
        }
        _ => Ok(format!("{media_type}, {}", size::in_words(bytes))),
    }
}

fn address(url: &str) -> Result<String, String> {
    let is_usable = url.len() <= MAX_ADDRESS
        && Url::parse(url).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty()
        });
    match is_usable {
        true => Ok("an address".to_owned()),
        false => Err("it answered an address that is no http or https URL".to_owned()),
    }
}
