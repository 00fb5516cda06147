//! Decoded images as their files have them: samples at their own depth, the profile, the
//! orientation. What a file says of its colours is kept beside them, so that a result can
//! say the same. Only ink (CMYK) becomes sRGB at once.
//!
//! Input is untrusted: its dimensions are checked before decoding, and the decoder's
//! memory is limited. Nothing here may hold a second copy of a picture, or edit one.

mod colors;
mod conversion;
mod decoding;
mod profile;
mod raw;
mod resampling;
mod srgb;
#[cfg(test)]
mod tests;
mod upright;

pub use colors::{Chunk, Colors, Unused};
pub use concept_refinement_domain::image::Format;
pub use conversion::Conversion;
pub use decoding::{decode, room};
pub use image::metadata::Orientation;
pub use raw::Raw;
pub use resampling::Resampling;

/// More than the service's default limit; even more would not fit into an instance's
/// default memory.
pub const MAX_PIXELS: u64 = 64_000_000;

/// Trying again does not help with any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("it is malformed or incomplete")]
    Malformed,
    #[error("it uses a feature that is not supported")]
    Unsupported,
    #[error("it has more than {} megapixels", MAX_PIXELS / 1_000_000)]
    TooLarge,
}
