//! Request and result of a refinement without a service.

use std::time::Duration;

use bytes::Bytes;
use concept_refinement_domain::aspect::Aspect;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::validation::{Draft, FieldErrors, Source};
use serde_json::{Map, Number, Value, json};
use thiserror::Error;

use crate::client::Upload;
use crate::setters::setters;

/// What to do with an original.
///
/// ```
/// # use concept_refinement_host::RefineRequest;
/// let request = RefineRequest::new("lighter shades of brown").logo_description("a cup");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use = "it only describes what to do"]
pub struct RefineRequest {
    /// What to change, in 1 to 2,000 characters.
    pub prompt: String,
    /// What the logo shows, in at most 2,000 characters.
    pub logo_description: Option<String>,
    /// The theme, in at most 2,000 characters.
    pub theme_description: Option<String>,
    /// How far the result may be from the original, from 0 to 1. None: 0.7.
    pub strength: Option<f64>,
    /// What is to stay as it is: at most one of each.
    pub preserve_aspects: Vec<Aspect>,
    /// For models that draw random numbers: the same gives the same image again.
    pub seed: Option<u32>,
    /// What is to change, in pixels of the upright original. Not together with a mask.
    pub region: Option<Region>,
    /// An image of the original's size whose white (or, where it has alpha, transparent)
    /// pixels are to change.
    pub mask: Option<OriginalImage>,
    /// How many pixels along the edge of the region or mask blend, at most 64. None: 8.
    pub mask_feather: Option<u32>,
    /// Whether the model sees only the region or mask, with a margin around it.
    pub region_only: bool,
    /// How many seconds it may take, if fewer than any task: from 10 to the task timeout. A
    /// service fails it by then if it has not begun it.
    pub deadline_seconds: Option<u32>,
}

impl RefineRequest {
    /// A request with nothing but a prompt.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            ..Self::default()
        }
    }

    /// Shows the model nothing but the region or mask, with a margin around it.
    pub fn region_only(mut self) -> Self {
        self.region_only = true;
        self
    }

    /// The fields of the request to the API.
    pub(crate) fn fields(
        &self,
        original_image_url: &str,
        mask_url: Option<&str>,
    ) -> Map<String, Value> {
        let aspects = Some(&self.preserve_aspects).filter(|aspects| !aspects.is_empty());
        // What JSON has no number for is refused as any other text is.
        let strength = self
            .strength
            .map(|strength| match Number::from_f64(strength) {
                Some(number) => Value::Number(number),
                None => Value::String(strength.to_string()),
            });
        let fields = [
            ("original_image_url", json!(original_image_url)),
            ("refinement_prompt", json!(self.prompt)),
            ("logo_description", json!(self.logo_description)),
            ("theme_description", json!(self.theme_description)),
            ("preserve_aspects", json!(aspects)),
            ("strength", json!(strength)),
            ("seed", json!(self.seed)),
            ("region", json!(self.region)),
            ("mask_url", json!(mask_url)),
            ("mask_feather", json!(self.mask_feather)),
            ("region_only", json!(self.region_only.then_some(true))),
            ("deadline_seconds", json!(self.deadline_seconds)),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        fields.into_iter().collect()
    }
}

setters! {
    RefineRequest {
        /// Says what the logo shows.
        logo_description(description: impl Into<String>) = Some(description.into());

        /// Says what the theme is.
        theme_description(description: impl Into<String>) = Some(description.into());

        /// Says how far the result may be from the original, from 0 to 1.
        strength(strength: f64) = Some(strength);

        /// Says what is to stay as it is.
        preserve_aspects(aspects: impl IntoIterator<Item = Aspect>) = aspects.into_iter().collect();

        /// Lets a model draw the same random numbers again.
        seed(seed: u32) = Some(seed);

        /// Changes nothing outside of a rectangle.
        region(region: Region) = Some(region);

        /// Changes nothing that this image leaves black.
        mask(mask: impl Into<OriginalImage>) = Some(mask.into());

        /// Blends so many pixels along the edge of the region or mask.
        mask_feather(pixels: u32) = Some(pixels);

        /// Limits how many seconds it may take, from its submission on.
        deadline_seconds(seconds: u32) = Some(seconds);
    }
}

/// The image that is to be refined.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OriginalImage {
    /// A URL, downloaded under the rules for originals.
    Url(String),
    /// The bytes of the image. The pipeline checks them.
    Bytes(Bytes),
}

impl From<Vec<u8>> for OriginalImage {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<Bytes> for OriginalImage {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// The refined image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefinedImage {
    /// The format of the bytes.
    pub format: Format,
    /// A complete file in that format.
    pub bytes: Bytes,
    /// The model's notes on its work.
    pub notes: Vec<String>,
    /// The id of the stored result. None from a [`Refiner`](crate::Refiner), which stores
    /// nothing.
    pub concept_id: Option<String>,
    /// The original that [`Client::refine`](crate::Client::refine) has stored: it stays
    /// until it is deleted.
    pub upload: Option<Upload>,
}

/// Why there is no refined image.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RefineError {
    /// The problems of each field of a refinement request.
    #[error("the request is not valid")]
    Invalid(FieldErrors),
    /// A sentence for the user.
    #[error("{0}")]
    Failed(String),
}

impl From<CapabilityError> for RefineError {
    fn from(error: CapabilityError) -> Self {
        Self::Failed(error.message)
    }
}

/// Validates a request as the API does. None: the original is given as bytes.
pub fn check(
    request: &RefineRequest,
    url: Option<&str>,
    allowed: &AllowedSources,
    task_timeout: Duration,
) -> Result<Refinement, RefineError> {
    let mask = request.mask.as_ref();
    let mask_url = mask.map(|mask| match mask {
        OriginalImage::Url(url) => Some(url.as_str()),
        OriginalImage::Bytes(_) => None,
    });
    let original = source(url.is_some(), allowed);
    let mask = source(mask_url.flatten().is_some(), allowed);
    // The address of bytes is set later.
    let mask_url = mask_url.map(Option::unwrap_or_default);
    let fields = request.fields(url.unwrap_or_default(), mask_url);
    check_fields(fields, original, mask, task_timeout).map_err(RefineError::Invalid)
}

/// Where an image comes from: an address, or its bytes.
pub fn source(has_url: bool, allowed: &AllowedSources) -> Source<'_> {
    match has_url {
        true => Source::Elsewhere(allowed),
        false => Source::Own,
    }
}

/// Validates the fields of a request to the API.
pub fn check_fields(
    fields: Map<String, Value>,
    original: Source<'_>,
    mask: Source<'_>,
    task_timeout: Duration,
) -> Result<Refinement, FieldErrors> {
    // There is no webhook here.
    let webhooks = AllowedSources::default();
    let checked = Draft::of(fields).check(original, mask, &webhooks, task_timeout)?;
    Ok(checked.refinement)
}
