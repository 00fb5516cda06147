//! A single refinement, from bytes to bytes. Deterministic: no I/O, no clock, no
//! randomness.

use crate::codec::{self, Format};
use crate::edit;
use crate::notes::notes;
use crate::plan::Plan;
use concept_refinement_vocabulary as vocabulary;

/// The request. It has no logo description, since rules cannot act on objects in the
/// picture.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Media type of the original.
    pub media_type: &'a str,
    pub prompt: &'a str,
    /// Colours named in the theme steer the palette.
    pub theme: Option<&'a str>,
    /// From 0 (unchanged) to 1 (the full effect of the edits).
    pub strength: f32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refined {
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
    /// Notes for the user, in sentences.
    pub notes: Vec<String>,
}

/// Trying again does not help with any of these. The messages are for users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefineError {
    #[error(
        "this model edits by rules and found no word in the prompt that it can act on; \
         it understands {}",
        vocabulary::summary()
    )]
    NothingUnderstood,
    #[error("the image is not a PNG, JPEG, WebP or GIF")]
    UnknownMediaType,
    #[error(transparent)]
    Image(#[from] codec::Problem),
}

/// Edits the image according to the prompt. Takes the image by value, so that its memory
/// is freed after decoding.
pub fn refine(image: Vec<u8>, request: &Request) -> Result<Refined, RefineError> {
    let mut formats = Format::ALL.into_iter();
    let format = formats.find(|format| format.media_type() == request.media_type);
    let format = format.ok_or(RefineError::UnknownMediaType)?;
    let plan = Plan::of(request.prompt);
    if plan.edits.is_empty() {
        return Err(RefineError::NothingUnderstood);
    }
    let mut plan = plan.themed(request.theme.unwrap_or_default());
    let strength = if request.strength.is_nan() {
        0.0
    } else {
        request.strength.clamp(0.0, 1.0)
    };
    let mut image = codec::decode(image, format)?;
    let mut remarks = edit::apply(&mut image.pixels, &plan.edits, strength);
    remarks.append(&mut image.remarks);
    if strength == 0.0 {
        // Nothing was changed, so nothing was changed beyond the named object either.
        plan.widened.clear();
    }
    let (bytes, format) = codec::encode(image, format)?;
    Ok(Refined {
        bytes,
        media_type: format.media_type(),
        notes: notes(&plan, &remarks),
    })
}

#[cfg(test)]
mod tests;
