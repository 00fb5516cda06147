//! Writes pixels as a file.

use concept_refinement_raster as raster;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::{Format, MAX_ENCODED, Problem};
use crate::pixels::Pixels;

/// Encodes in the original's format, and returns it with the file. A GIF
/// becomes a PNG, which is not limited to 256 colours; a result that is too
/// large becomes a JPEG if it has no alpha.
pub fn encode(pixels: &Pixels, format: Format) -> Result<(Vec<u8>, Format), Problem> {
    let format = match format {
        Format::Gif => Format::Png,
        Format::Jpeg if pixels.has_alpha() => Format::Png,
        other => other,
    };
    match encoded(pixels, format) {
        Err(Problem::ResultTooLarge) if !pixels.has_alpha() => {
            let file = encoded(pixels, Format::Jpeg)?;
            Ok((file, Format::Jpeg))
        }
        file => Ok((file?, format)),
    }
}

pub(super) fn encoded(pixels: &Pixels, format: Format) -> Result<Vec<u8>, Problem> {
    const JPEG_QUALITY: u8 = 90;
    let mut file = Bounded::default();
    let written = match format {
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
            write(encoder, pixels)
        }
        Format::Webp => write(WebPEncoder::new_lossless(&mut file), pixels),
        Format::Png | Format::Gif => {
            let (compression, filter) = (CompressionType::Fast, FilterType::Adaptive);
            let encoder = PngEncoder::new_with_quality(&mut file, compression, filter);
            write(encoder, pixels)
        }
    };
    match written {
        Ok(()) => Ok(file.bytes),
        Err(_) if file.is_full => Err(Problem::ResultTooLarge),
        Err(error) => Err(raster::Problem::from(error).into()),
    }
}

/// A buffer limited to the largest answer.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_ENCODED {
            self.is_full = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write(encoder: impl ImageEncoder, pixels: &Pixels) -> Result<(), ImageError> {
    let color = if pixels.has_alpha() {
        ExtendedColorType::Rgba8
    } else {
        ExtendedColorType::Rgb8
    };
    encoder.write_image(pixels.data(), pixels.width(), pixels.height(), color)
}
