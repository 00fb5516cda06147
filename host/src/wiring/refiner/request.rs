//! Request and result of a refinement without a service.

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::validation::{self, Draft, FieldErrors, Malformed};
use thiserror::Error;

use crate::client::Upload;

/// What to do with an original.
///
/// ```
/// # use concept_refinement_host::RefineRequest;
/// let request = RefineRequest::new("lighter shades of brown").logo_description("a cup");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RefineRequest {
    /// What to change, in 1 to 2,000 characters.
    pub prompt: String,
    /// What the logo shows, in at most 2,000 characters.
    pub logo_description: Option<String>,
    /// The theme, in at most 2,000 characters.
    pub theme_description: Option<String>,
}

impl RefineRequest {
    /// A request with nothing but a prompt.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            ..Self::default()
        }
    }

    /// Says what the logo shows.
    #[must_use]
    pub fn logo_description(mut self, description: impl Into<String>) -> Self {
        self.logo_description = Some(description.into());
        self
    }

    /// Says what the theme is.
    #[must_use]
    pub fn theme_description(mut self, description: impl Into<String>) -> Self {
        self.theme_description = Some(description.into());
        self
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

impl From<Malformed> for RefineError {
    fn from(error: Malformed) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Validates a request as the API does. None: the original is given as bytes.
pub fn check(
    request: &RefineRequest,
    url: Option<&str>,
    allowed: &AllowedSources,
) -> Result<Refinement, RefineError> {
    let original = match url {
        Some(_) => validation::Original::Elsewhere(allowed),
        None => validation::Original::Own,
    };
    let body = serde_json::json!({
        "original_image_url": url.unwrap_or_default(),
        "refinement_prompt": request.prompt,
        "logo_description": request.logo_description,
        "theme_description": request.theme_description,
    });
    let draft = Draft::parse(body.to_string().as_bytes())?;
    // There is no webhook here.
    let checked = draft.check(original, &AllowedSources::default());
    checked
        .map(|checked| checked.refinement)
        .map_err(RefineError::Invalid)
}
