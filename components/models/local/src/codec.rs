//! Decodes and encodes image files.
//!
//! Every format becomes upright pixels in sRGB, eight bits per channel. All edits compute in
//! sRGB, and files are written in it, so that named colours are those. Output contains only
//! pixels: no EXIF, no location, no comment.

mod encoding;

pub use concept_refinement_raster::Format;
use concept_refinement_raster::{self as raster, MAX_PIXELS, Unused};

use crate::notes::Remark;
use crate::pixels::Pixels;
pub use encoding::encode;

/// Default limit for a model's answer.
const MAX_ENCODED: usize = 50 << 20;

/// Trying again does not help with any of these. The messages are for users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the image cannot be decoded: it is malformed or incomplete")]
    Malformed,
    #[error("the image uses a feature that this model does not support")]
    Unsupported,
    #[error(
        "the image is too large for this model ({} megapixels and 65,535 pixels a side at most)",
        MAX_PIXELS / 1_000_000
    )]
    TooLarge,
    #[error(
        "the refined image would be larger than {} MiB; use a smaller original",
        MAX_ENCODED >> 20
    )]
    ResultTooLarge,
}

/// A decoded image, in sRGB and with its orientation applied.
pub struct Decoded {
    pub pixels: Pixels,
    /// What the file contains besides these pixels.
    pub remarks: Vec<Remark>,
}

/// Decodes an image, or the first of several frames. Frees the file's bytes before it
/// returns.
pub fn decode(file: Vec<u8>, format: Format) -> Result<Decoded, Problem> {
    let raw = raster::decode(file, format)?;
    let unused = raw.colors.unused;
    let is_unused = unused.is_some_and(|unused| unused != Unused::CodePoints);
    let remarks = [
        is_unused.then_some(Remark::ProfileUnused),
        raw.is_animated.then_some(Remark::FirstFrame),
        raw.is_wide().then_some(Remark::EightBits),
    ];
    let (width, height, orientation) = (raw.width, raw.height, raw.orientation);
    let (data, alpha) = raw.into_srgb().ok_or(Problem::Unsupported)?;
    let mut pixels = Pixels::new(width, height, alpha, data).ok_or(Problem::Malformed)?;
    pixels.orient(orientation);
    Ok(Decoded {
        pixels,
        remarks: remarks.into_iter().flatten().collect(),
    })
}

impl From<raster::Problem> for Problem {
    fn from(problem: raster::Problem) -> Self {
        match problem {
            raster::Problem::Malformed => Self::Malformed,
            raster::Problem::Unsupported => Self::Unsupported,
            raster::Problem::TooLarge => Self::TooLarge,
        }
    }
}

#[cfg(test)]
pub use tests::file_with;

#[cfg(test)]
mod tests;
