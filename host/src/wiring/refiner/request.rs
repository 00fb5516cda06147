//! Request and result of a refinement without a service.

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::validation::{Draft, FieldErrors, Malformed, Original};
use thiserror::Error;

/// The request, without the image.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// What to change, in 5 to 2,000 characters.
    pub prompt: String,
    /// What the logo shows, in at most 2,000 characters.
    pub logo_description: Option<String>,
    /// The theme, in at most 2,000 characters.
    pub theme_description: Option<String>,
}

/// The original.
#[derive(Clone, Debug)]
pub enum Source {
    /// A URL, downloaded under the rules for originals.
    Url(String),
    /// The bytes of the image. The pipeline checks them.
    Image(Bytes),
}

/// The refined image.
#[derive(Clone, Debug)]
pub struct Refined {
    /// The format of the bytes.
    pub format: Format,
    /// A complete file in that format.
    pub bytes: Bytes,
    /// The model's notes on its work.
    pub notes: Vec<String>,
}

/// Why there is no refined image.
#[derive(Debug, Error)]
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
    words: &Words,
    url: Option<&str>,
    allowed: &AllowedSources,
) -> Result<Refinement, RefineError> {
    let original = match url {
        Some(_) => Original::Elsewhere(allowed),
        None => Original::Own,
    };
    let body = serde_json::json!({
        "original_image_url": url.unwrap_or_default(),
        "refinement_prompt": words.prompt,
        "logo_description": words.logo_description,
        "theme_description": words.theme_description,
    });
    let draft = Draft::parse(body.to_string().as_bytes())?;
    // There is no webhook here.
    let request = draft.check(original, &AllowedSources::default());
    request
        .map(|request| request.refinement)
        .map_err(RefineError::Invalid)
}
