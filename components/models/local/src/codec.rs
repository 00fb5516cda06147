//! Decodes and encodes image files.
//!
//! Input is untrusted: its dimensions are checked before decoding, and the decoder's
//! memory is limited. Output contains only pixels, in sRGB: no EXIF, no location, no
//! comment.

mod decoding;
mod encoding;

pub use concept_refinement_domain::image::Format;
use image::ImageError;

use crate::notes::Remark;
use crate::pixels::Pixels;
pub use decoding::decode;
pub use encoding::encode;

/// More than the service's default limit; even more would not fit into an instance's
/// default memory.
const MAX_PIXELS: u64 = 64_000_000;
/// Default limit for a model's answer.
const MAX_ENCODED: usize = 50 << 20;

/// Trying again does not help with any of these. The messages are for users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the image cannot be decoded: it is malformed or incomplete")]
    Malformed,
    #[error("the image uses a feature that this model does not support")]
    Unsupported,
    #[error("the image is too large for this model ({} megapixels at most)", MAX_PIXELS / 1_000_000)]
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

impl From<ImageError> for Problem {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            ImageError::Unsupported(_) => Self::Unsupported,
            _ => Self::Malformed,
        }
    }
}

#[cfg(test)]
pub use tests::file_with;

#[cfg(test)]
mod tests;
