//! Reads files.
//!
//! What is shown is what browsers show: the first frame of an animation, the screen of a
//! GIF as large as that frame, a WebP as its chunks are and not as its flags say. That
//! nothing of the picture is missing was checked before: see `wit/model-types.wit`.

mod gif;
mod jpeg;
mod png;
mod webp;

use image::{ImageDecoder, ImageError, Limits};

use crate::upright::of_exif;
use crate::{Colors, Format, MAX_PIXELS, Problem, Raw};

const MAX_SIDE: u32 = 65_535;
const MAX_DECODER_MEMORY: u64 = 640 << 20;

/// Decodes an image, or the first of several frames. Frees the file's bytes before it
/// returns.
pub fn decode(file: Vec<u8>, format: Format) -> Result<Raw, Problem> {
    match format {
        Format::Png => png::decode(file),
        Format::Jpeg => jpeg::decode(file),
        Format::Webp => webp::decode(file),
        Format::Gif => gif::decode(file),
    }
}

fn fits(width: u32, height: u32) -> Result<(), Problem> {
    let size = u64::from(width) * u64::from(height);
    match size > MAX_PIXELS || width.max(height) > MAX_SIDE {
        true => Err(Problem::TooLarge),
        false => Ok(()),
    }
}

/// Zeros to write pixels to. None: a length beyond all numbers.
pub fn room(length: Option<usize>) -> Result<Vec<u8>, Problem> {
    let length = length.ok_or(Problem::TooLarge)?;
    let mut data = Vec::new();
    data.try_reserve_exact(length)
        .map_err(|_| Problem::TooLarge)?;
    data.resize(length, 0);
    Ok(data)
}

impl Raw {
    /// What a decoder of the library reads.
    fn read(mut decoder: impl ImageDecoder) -> Result<Self, Problem> {
        let (width, height) = decoder.dimensions();
        fits(width, height)?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODER_MEMORY);
        decoder.set_limits(limits)?;
        let exif = decoder.exif_metadata().ok().flatten();
        let (orientation, is_ambiguous) = of_exif(exif.as_deref());
        let colors = Colors::of_file(decoder.icc_profile().ok().flatten());
        let samples = decoder.color_type();
        let mut data = room(usize::try_from(decoder.total_bytes()).ok())?;
        decoder.read_image(&mut data)?;
        Ok(Self {
            width,
            height,
            samples,
            data,
            colors,
            orientation,
            is_animated: false,
            is_ambiguous,
        })
    }
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
