//! A decoded image.

use image::ColorType;
use image::metadata::Orientation;

use crate::Colors;

/// What a decoder found: rows from the top without gaps, and not yet upright. Samples of
/// sixteen bits have the byte order of the machine.
pub struct Raw {
    pub width: u32,
    pub height: u32,
    /// What the data consists of. That of a file in ink (CMYK) was converted to sRGB.
    pub samples: ColorType,
    pub data: Vec<u8>,
    pub colors: Colors,
    pub orientation: Orientation,
    /// There are further frames.
    pub is_animated: bool,
    /// Other decoders may see another picture, or this one turned.
    pub is_ambiguous: bool,
}

impl Raw {
    /// Whether it has sixteen bits per channel.
    pub fn is_wide(&self) -> bool {
        use ColorType::{L16, La16, Rgb16, Rgba16};
        [L16, La16, Rgb16, Rgba16].contains(&self.samples)
    }
}
