//! Validation of requests. Values are kept as they were sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use uuid::Uuid;

use crate::aspect::Aspect;
use crate::lease::MIN_DEADLINE;
use crate::original::{AllowedSources, MAX_URL_CHARS, check_url};
use crate::partial_edit::Region;
use crate::sentence::check_length;
use crate::strength::Strength;
use crate::task::Refinement;
use crate::webhook::check_webhook_url;

const ORIGINAL_IMAGE_URL: &str = "original_image_url";
const ORIGINAL_CONCEPT_ID: &str = "original_concept_id";
const REGION: &str = "region";
const MASK_URL: &str = "mask_url";
const MASK_FEATHER: &str = "mask_feather";
const REGION_ONLY: &str = "region_only";

/// How many pixels of an edge may blend.
pub const MAX_FEATHER: u32 = 64;

/// In code points, after trimming.
pub const MIN_PROMPT_CHARS: usize = 1;
/// In code points.
pub const MAX_PROMPT_CHARS: usize = 2_000;
/// In code points, for each of the descriptions.
pub const MAX_DESCRIPTION_CHARS: usize = 2_000;

/// Problems by field. Each sentence completes "the field …".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(pub BTreeMap<String, Vec<String>>);

/// The body as a whole is invalid. The message is for the client; trying again does not
/// help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It cannot be parsed.
    #[error("The request body must be JSON.")]
    NotJson,
    /// It is JSON, but not an object.
    #[error("The request body must be a JSON object.")]
    NotAnObject,
}

/// A refinement request that has not been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft(Map<String, Value>);

/// The contents of a valid request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The refinement.
    pub refinement: Refinement,
    /// The receiver to notify when it ends.
    pub webhook_url: Option<String>,
}

/// Where an image is: the original or the mask.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// An image of this service.
    Own,
    /// A URL to download.
    Elsewhere(&'a AllowedSources),
}

impl Source<'_> {
    fn check(self, url: &str) -> Result<(), String> {
        match self {
            Self::Own => check_length(url, MAX_URL_CHARS),
            Self::Elsewhere(allowed) => check_url(url, allowed).map(drop),
        }
    }
}

impl FieldErrors {
    /// Adds a problem of a field.
    pub fn add(&mut self, field: &str, problem: impl Into<String>) {
        self.0.entry(field.into()).or_default().push(problem.into());
    }

    /// All problems, separated by semicolons. `tell` says what is wrong with a field.
    pub fn joined(&self, tell: impl Fn(&str, &str) -> String) -> String {
        let mut all = Vec::new();
        for (field, problems) in &self.0 {
            all.extend(problems.iter().map(|problem| tell(field, problem)));
        }
        all.join("; ")
    }

    /// Whether this field has a problem.
    fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Whether there are no problems.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Draft {
    /// Parses a body whose length has already been limited.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        object(body).map(Self)
    }

    /// Of fields that another door has read.
    pub fn of(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// None if missing or not a string, which [`Self::check`] reports.
    pub fn original_image_url(&self) -> Option<&str> {
        self.0.get(ORIGINAL_IMAGE_URL).and_then(Value::as_str)
    }

    /// The same of the mask.
    pub fn mask_url(&self) -> Option<&str> {
        self.0.get(MASK_URL).and_then(Value::as_str)
    }

    /// Validates the request: returns its contents, or all problems. Unknown fields are
    /// ignored. `webhooks`: receivers that the operator allows in addition to public
    /// ones. `task_timeout`: how long a task may take, and its deadline may be ahead.
    pub fn check(
        self,
        original: Source<'_>,
        mask: Source<'_>,
        webhooks: &AllowedSources,
        task_timeout: Duration,
    ) -> Result<Request, FieldErrors> {
        let mut fields = Fields {
            values: self.0,
            errors: FieldErrors::default(),
        };
        let (original_image_url, original_concept_id) = fields.original(original);
        let refinement_prompt = fields.required("refinement_prompt", check_prompt);
        let logo_description = fields.optional("logo_description", check_description);
        let theme_description = fields.optional("theme_description", check_description);
        let webhook_url = fields.optional("webhook_url", |url| check_webhook_url(url, webhooks));
        let edit = fields.edit(mask);
        let deadline_seconds = fields.deadline(task_timeout);
        match refinement_prompt {
            Some(refinement_prompt) if fields.errors.is_empty() => Ok(Request {
                refinement: Refinement {
                    original_image_url,
                    refinement_prompt,
                    logo_description,
                    theme_description,
                    original_concept_id,
                    deadline_seconds,
                    ..edit
                },
                webhook_url,
            }),
            _ => Err(fields.errors),
        }
    }
}

/// The fields that are still to be checked, and the problems of the others.
struct Fields {
    values: Map<String, Value>,
    errors: FieldErrors,
}

impl Fields {
    /// Where the original is: a URL, or a concept.
    fn original(&mut self, source: Source<'_>) -> (Option<String>, Option<String>) {
        let id = self.optional(ORIGINAL_CONCEPT_ID, |_| Ok(()));
        // One that is itself invalid has been told.
        let has_id = id.is_some() || self.errors.has(ORIGINAL_CONCEPT_ID);
        let url = match has_id {
            true => self.optional(ORIGINAL_IMAGE_URL, |_| Ok(())),
            false => self.required(ORIGINAL_IMAGE_URL, |url| source.check(url)),
        };
        if has_id && url.is_some() {
            self.errors.add(
                ORIGINAL_IMAGE_URL,
                "must not be sent together with original_concept_id",
            );
        }
        (url, id)
    }

    /// How strongly and where the original is to change.
    fn edit(&mut self, mask: Source<'_>) -> Refinement {
        let mask_url = self.optional(MASK_URL, |url| mask.check(url));
        let edit = Refinement {
            preserve_aspects: self.value(
                "preserve_aspects",
                "must be a list of one to four of colors, layout, style and shapes, none twice",
                aspects,
            ),
            strength: self.value("strength", "must be a number from 0 to 1", |value| {
                value.as_f64().and_then(Strength::new)
            }),
            seed: self.value(
                "seed",
                "must be a whole number from 0 to 4294967295",
                |value| value.as_u64()?.try_into().ok(),
            ),
            region: self.value(
                REGION,
                "must have x and y of at least 0, width and height of at least 1: whole numbers \
                 up to 2147483647",
                region,
            ),
            mask_url,
            mask_feather: self.value(
                MASK_FEATHER,
                "must be a whole number from 0 to 64",
                |value| {
                    let feather = value.as_u64()?.try_into().ok()?;
                    (feather <= MAX_FEATHER).then_some(feather)
                },
            ),
            region_only: self.value(REGION_ONLY, "must be true or false", Value::as_bool),
            ..Refinement::default()
        };
        // A part that is itself invalid has been told.
        let has_part = edit.is_partial() || self.errors.has(REGION) || self.errors.has(MASK_URL);
        if edit.region.is_some() && edit.mask_url.is_some() {
            self.errors
                .add(MASK_URL, "must not be sent together with region");
        }
        if edit.mask_feather.is_some() && !has_part {
            self.errors.add(MASK_FEATHER, "needs a region or a mask");
        }
        if edit.region_only == Some(true) && !has_part {
            self.errors.add(REGION_ONLY, "needs a region or a mask");
        }
        edit
    }

    fn deadline(&mut self, task_timeout: Duration) -> Option<u32> {
        let seconds = MIN_DEADLINE.as_secs()..=task_timeout.as_secs();
        let (least, most) = (seconds.start(), seconds.end());
        let problem = match seconds.is_empty() {
            true => format!("cannot be used: a task of this service ends after {most} seconds"),
            false => format!("must be a whole number from {least} to {most}"),
        };
        self.value("deadline_seconds", &problem, |value| {
            let sent = value.as_u64().filter(|sent| seconds.contains(sent))?;
            sent.try_into().ok()
        })
    }

    /// An optional value that is no string.
    fn value<T>(
        &mut self,
        field: &str,
        problem: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        match self.values.remove(field) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let read = read(&value);
                if read.is_none() {
                    self.errors.add(field, problem);
                }
                read
            }
        }
    }

    fn required(
        &mut self,
        field: &str,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Option<String> {
        if self.values.get(field).is_none_or(Value::is_null) {
            self.errors.add(field, "is required");
        }
        self.optional(field, check)
    }

    fn optional(
        &mut self,
        field: &str,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Option<String> {
        match self.values.remove(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => {
                if let Err(problem) = check(&text) {
                    self.errors.add(field, problem);
                }
                Some(text)
            }
            Some(_) => {
                self.errors.add(field, "must be a string");
                None
            }
        }
    }
}

/// None: it is no list of aspects, it is empty, or one is twice in it.
fn aspects(value: &Value) -> Option<Vec<Aspect>> {
    let mut aspects = Vec::new();
    for name in value.as_array()? {
        let aspect = Aspect::of(name.as_str()?)?;
        if aspects.contains(&aspect) {
            return None;
        }
        aspects.push(aspect);
    }
    (!aspects.is_empty()).then_some(aspects)
}

/// None: it is none, or its numbers are out of bounds.
fn region(value: &Value) -> Option<Region> {
    const MAX: u32 = i32::MAX.unsigned_abs();
    let number = |name: &str, least: u32| {
        let number = u32::try_from(value.get(name)?.as_u64()?).ok()?;
        (least..=MAX).contains(&number).then_some(number)
    };
    Some(Region {
        x: number("x", 0)?,
        y: number("y", 0)?,
        width: number("width", 1)?,
        height: number("height", 1)?,
    })
}

/// The fields of a body whose length has already been limited.
///
/// # Errors
///
/// It is no JSON object.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, Malformed> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Malformed::NotAnObject),
        Err(_) => Err(Malformed::NotJson),
    }
}

/// 1 to 255 visible ASCII characters.
pub fn is_idempotency_key(key: &str) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Parses a hyphenated UUID; the result is in lower case.
pub fn uuid(text: &str) -> Option<String> {
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return None;
    }
    Uuid::try_parse(text).ok().map(|uuid| uuid.to_string())
}

fn check_prompt(prompt: &str) -> Result<(), String> {
    let prompt = prompt.trim();
    if prompt.chars().count() < MIN_PROMPT_CHARS {
        return Err(format!("must be at least {MIN_PROMPT_CHARS} character"));
    }
    check_length(prompt, MAX_PROMPT_CHARS)
}

fn check_description(description: &str) -> Result<(), String> {
    check_length(description, MAX_DESCRIPTION_CHARS)
}

#[cfg(test)]
mod tests;
