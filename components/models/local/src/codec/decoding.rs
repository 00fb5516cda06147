//! Reads files: every format becomes upright pixels in sRGB, eight bits per channel. All
//! edits compute in sRGB, and files are written in it, so that named colours are those.

use concept_refinement_raster::{self as raster, Unused};

use super::{Decoded, Format, Problem};
use crate::notes::Remark;
use crate::pixels::Pixels;

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
