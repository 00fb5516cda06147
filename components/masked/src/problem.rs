//! Why a part of an image cannot be edited.

use concept_refinement_domain::sentence::ANSWER_UNUSABLE;
use concept_refinement_raster as raster;

/// Trying again does not help with any of these. The messages are for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the image cannot be decoded: {0}")]
    Original(raster::Problem),
    #[error("the mask cannot be decoded: {0}")]
    Mask(raster::Problem),
    #[error("{unusable}: it cannot be decoded: {}", .0, unusable = ANSWER_UNUSABLE)]
    Answer(raster::Problem),
    #[error("the mask must have the original's size, {} × {}", .0.0, .0.1)]
    MaskSize((u32, u32)),
    #[error("the mask marks nothing")]
    NothingMarked,
    #[error("the region lies outside of the image, {} × {}", .0.0, .0.1)]
    RegionOutside((u32, u32)),
    #[error("an animation cannot be edited in part")]
    Animation,
    /// Area and mask are not those of a view of this original.
    #[error("the mask does not belong to this image")]
    OtherView,
    #[error("the result cannot be encoded")]
    Encoding,
}
