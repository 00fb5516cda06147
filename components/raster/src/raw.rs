//! A decoded image.

use image::ColorType;
use image::metadata::Orientation;

use crate::{Colors, srgb};

/// What a decoder found: rows from the top without gaps, and not yet upright. Samples of
/// sixteen bits have the byte order of the machine.
pub struct Raw {
    pub width: u32,
    pub height: u32,
    pub samples: Samples,
    pub data: Vec<u8>,
    pub colors: Colors,
    pub orientation: Orientation,
    /// There are further frames.
    pub is_animated: bool,
    /// Other decoders may see another picture, or this one turned.
    pub is_ambiguous: bool,
}

/// What the data consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Samples {
    Color(ColorType),
    /// Ink, eight bits per channel.
    Cmyk,
}

impl Samples {
    /// Sixteen bits per channel.
    pub fn is_wide(self) -> bool {
        use ColorType::{L16, La16, Rgb16, Rgba16};
        [L16, La16, Rgb16, Rgba16].map(Self::Color).contains(&self)
    }

    pub fn has_alpha(self) -> bool {
        matches!(self, Self::Color(color) if color.has_alpha())
    }

    pub fn is_grey(self) -> bool {
        matches!(self, Self::Color(color) if !color.has_color())
    }

    /// In bytes.
    pub fn pixel_length(self) -> usize {
        match self {
            Self::Color(color) => color.bytes_per_pixel().into(),
            Self::Cmyk => 4,
        }
    }
}

impl Raw {
    /// Ink as colours in sRGB; other samples as they are.
    pub fn without_ink(self) -> Self {
        if self.samples != Samples::Cmyk {
            return self;
        }
        Self {
            samples: Samples::Color(ColorType::Rgb8),
            data: srgb::from_ink(self.data, self.colors.profile.as_ref()),
            colors: Colors::default(),
            ..self
        }
    }

    /// RGB in sRGB with eight bits per channel, or RGBA (the second value) where something
    /// is not opaque; not yet upright. None: the samples are of another kind.
    pub fn into_srgb(self) -> Option<(Vec<u8>, bool)> {
        srgb::convert(self.data, self.samples, self.colors.profile.as_ref())
    }
}
