//! Inspects images without decoding them: format, dimensions, and whether they
//! are complete.
//!
//! The contents decide, never a name. An image of any size is inspected while it
//! streams, with little memory and in linear time. Compressed metadata of a PNG is
//! decompressed, up to a limit and without keeping it; the data of a JPEG is counted.
//!
//! What an image says beside its pixels is read, taken out and added by [`metadata`].

mod gif;
mod inspector;
mod jpeg;
pub mod metadata;
mod packed;
mod png;
#[cfg(test)]
mod tests;
mod transfer;
mod unsupported;
mod walk;
mod webp;

use thiserror::Error;

use crate::size;

pub use inspector::Inspector;
pub use transfer::{Received, Shortfall, Transfer, Unusable};

/// The supported image formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `image/png`
    Png,
    /// `image/jpeg`
    Jpeg,
    /// `image/webp`
    Webp,
    /// `image/gif`
    Gif,
}

/// Limit for the decompressed profile and texts of an image together, in bytes.
pub const MAX_UNPACKED: u64 = 16 << 20;

/// Limits for images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file.
    pub max_bytes: u64,
    /// Pixels of the canvas: width times height.
    pub max_pixels: u64,
}

/// The properties of a complete image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The format according to the contents.
    pub format: Format,
    /// In pixels; the canvas if there are several frames.
    pub width: u32,
    /// In pixels, like the width.
    pub height: u32,
    /// All bytes, including any after the image's end.
    pub bytes: u64,
}

/// Why an image is not usable. The messages are for users; trying again with the same
/// bytes does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It does not begin like an image.
    #[error("the file is not an image: it must be PNG, JPEG, WebP or GIF")]
    NotAnImage,
    /// It is an image of this unsupported format.
    #[error("{0} images are not supported; use PNG, JPEG, WebP or GIF")]
    Unsupported(&'static str),
    /// It begins like an image, but is incomplete.
    #[error("the file is cut short: it ends before its format says")]
    CutShort,
    /// The data of its picture ends early, though the file goes on.
    #[error("part of the picture is missing from the file: its data ends too early")]
    Incomplete,
    /// It violates its format.
    #[error("the file is not a well-formed image")]
    Malformed,
    /// It has more bytes than the limit.
    #[error("the file is larger than {}", size::in_words(*max_bytes))]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// It has more pixels than the limit.
    #[error("the image has more than {}", pixels_in_words(*max_pixels))]
    TooManyPixels {
        /// The limit.
        max_pixels: u64,
    },
    /// Its compressed metadata exceed [`MAX_UNPACKED`].
    #[error(
        "the profile and the texts beside the picture are larger than {} when they are unpacked",
        size::in_words(MAX_UNPACKED)
    )]
    Packed,
}

/// Inspects an image in memory.
pub fn inspect(bytes: &[u8], limits: Limits) -> Result<Inspected, Problem> {
    let mut inspector = Inspector::new(limits);
    inspector.push(bytes)?;
    inspector.finish()
}

/// Formats a number of pixels for people: `50 million pixels`.
pub fn pixels_in_words(pixels: u64) -> String {
    const MILLION: u64 = 1_000_000;
    match (pixels / MILLION, pixels % MILLION) {
        (millions @ 1.., 0) => format!("{millions} million pixels"),
        _ => format!("{pixels} pixels"),
    }
}

impl Format {
    /// All supported ones.
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::Webp, Self::Gif];

    /// As used in `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// The file extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }

    /// Parses a `Content-Type`, ignoring case and parameters.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next()?.trim();
        Self::ALL
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(essence))
    }
}
