//! Decodes and encodes image files.
//!
//! Output contains only pixels, in sRGB: no EXIF, no location, no
//! comment.

mod decoding;
mod encoding;

pub use concept_refinement_raster::Format;
use concept_refinement_raster::{self as raster, MAX_PIXELS};
use image::ImageError;

use crate::notes::Remark;
use crate::pixels::Pixels;
pub use decoding::decode;
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

impl From<raster::Problem> for Problem {
    fn from(problem: raster::Problem) -> Self {
        match problem {
            raster::Problem::Malformed => Self::Malformed,
            raster::Problem::Unsupported => Self::Unsupported,
            raster::Problem::TooLarge => Self::TooLarge,
        }
    }
}

impl From<ImageError> for Problem {
    fn from(error: ImageError) -> Self {
        raster::Problem::from(error).into()
    }
}

#[cfg(test)]
pub use tests::file_with;

#[cfg(test)]
mod tests;
