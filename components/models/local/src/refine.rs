//! A single refinement, from bytes to bytes. Deterministic: no I/O, no clock, no
//! randomness.

use crate::codec::{self, Format};
use crate::edit;
use crate::notes;
use crate::pixels::{Pixels, alpha, rgb};
use crate::plan::Plan;
use crate::survey::Sample;
use concept_refinement_domain::aspect::{self, Aspect};

mod outcome;
mod refusal;

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
    /// The prompt asks for nothing that rules can do; why not, in a sentence.
    #[error("{0}")]
    NothingToDo(String),
    #[error("all that the prompt asks for would change what is to be preserved: {0}")]
    Preserved(String),
    #[error("nothing would change: {0}")]
    NothingChanged(String),
    #[error(
        "the result would be too large: this model doubles up to 16 megapixels, and makes no picture of more than 50 megapixels or 16,384 pixels a side"
    )]
    TooLarge,
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
    let (prompt, preserved) = aspect::divide(request.prompt);
    let plan = Plan::of(prompt);
    if plan.edits.is_empty() {
        return Err(RefineError::NothingToDo(refusal::of(prompt, &plan)));
    }
    let plan = plan.themed(request.theme.unwrap_or_default());
    let (plan, preserved) = plan.preserving(&preserved);
    if plan.edits.is_empty() {
        return Err(RefineError::Preserved(names(&preserved)));
    }
    let strength = if request.strength.is_nan() {
        0.0
    } else {
        request.strength.clamp(0.0, 1.0)
    };
    if strength == 0.0 {
        return Err(RefineError::NothingChanged("the strength is 0.".to_owned()));
    }
    let mut image = codec::decode(image, format)?;
    if !edit::fits(image.pixels.width(), image.pixels.height(), &plan.edits) {
        return Err(RefineError::TooLarge);
    }
    let before = fingerprint(&image.pixels);
    let original = Sample::of(&image.pixels);
    let mut remarks = edit::apply(&mut image.pixels, &plan, strength);
    if fingerprint(&image.pixels) == before {
        return Err(RefineError::NothingChanged(notes::reason(&remarks)));
    }
    remarks.extend(outcome::remarks(
        &plan,
        &original,
        &Sample::of(&image.pixels),
    ));
    remarks.append(&mut image.remarks);
    let (bytes, format) = codec::encode(&image.pixels, format)?;
    Ok(Refined {
        bytes,
        media_type: format.media_type(),
        notes: preserved_note(&preserved)
            .into_iter()
            .chain(notes::of(&plan, &remarks))
            .collect(),
    })
}

fn preserved_note(aspects: &[Aspect]) -> Option<String> {
    let names = names(aspects);
    (!aspects.is_empty()).then(|| format!("Left out what would have changed: {names}."))
}

fn names(aspects: &[Aspect]) -> String {
    let names: Vec<_> = aspects.iter().map(|aspect| aspect.as_str()).collect();
    names.join(", ")
}

/// Size of a picture and a hash of what it shows, so that an unchanged one is found without a
/// second copy.
fn fingerprint(pixels: &Pixels) -> (u32, u32, u64) {
    /// An odd number mixes all bits of what it is multiplied with.
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let of = |pixel: &[u8]| match (alpha(pixel), rgb(pixel)) {
        // What is transparent has no colour.
        (0, _) => 0,
        (alpha, [r, g, b]) => u32::from_be_bytes([r, g, b, alpha]),
    };
    let mix =
        |hash: u64, pixel: &[u8]| (hash.rotate_left(5) ^ u64::from(of(pixel))).wrapping_mul(MIX);
    (pixels.width(), pixels.height(), pixels.iter().fold(0, mix))
}

#[cfg(test)]
mod tests;
