//! Reads files: every format becomes upright pixels in sRGB, eight bits per channel. All
//! edits compute in sRGB, and files are written in it, so that named colours are those.

use concept_refinement_raster::{self as raster, Orientation, Unused};
use image::{DynamicImage, ImageBuffer};

use super::{Decoded, Format, Problem};
use crate::notes::Remark;
use crate::pixels::Pixels;

/// Decodes an image, or the first of several frames. Frees the file's bytes before it
/// returns.
pub fn decode(file: Vec<u8>, format: Format) -> Result<Decoded, Problem> {
    let raw = raster::decode(file, format)?;
    let profile = raw.colors.unused == Some(Unused::Profile);
    let remarks = [
        profile.then_some(Remark::ProfileUnused),
        raw.is_animated.then_some(Remark::FirstFrame),
        raw.samples.is_wide().then_some(Remark::EightBits),
    ];
    let (width, height, orientation) = (raw.width, raw.height, raw.orientation);
    let (data, alpha) = raw.into_srgb().ok_or(Problem::Unsupported)?;
    let pixels = Pixels::new(width, height, alpha, data).ok_or(Problem::Malformed)?;
    Ok(Decoded {
        pixels: upright(pixels, orientation)?,
        remarks: remarks.into_iter().flatten().collect(),
    })
}

fn upright(pixels: Pixels, orientation: Orientation) -> Result<Pixels, Problem> {
    if orientation == Orientation::NoTransforms {
        return Ok(pixels);
    }
    let (width, height, alpha) = (pixels.width(), pixels.height(), pixels.has_alpha());
    let data = pixels.into_data();
    let image = if alpha {
        ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageRgba8)
    } else {
        ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageRgb8)
    };
    let mut image = image.ok_or(Problem::Malformed)?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    Pixels::new(width, height, alpha, image.into_bytes()).ok_or(Problem::Malformed)
}
