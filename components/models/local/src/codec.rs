//! Decodes and encodes image files.
//!
//! Input is untrusted: its dimensions are checked before decoding, and the decoder's
//! memory is limited. Output contains only pixels and a colour profile: no EXIF, no
//! location, no comment.

use std::io::Cursor;

use concept_refinement_domain::image as inspected;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::codecs::webp::{WebPDecoder, WebPEncoder};
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, ExtendedColorType, ImageBuffer, ImageDecoder, ImageEncoder,
    ImageError, Limits,
};

use crate::notes::Remark;
use crate::pixels::Pixels;
pub use inspected::Format;

/// More than the service's default limit; even more would not fit into an instance's
/// default memory.
const MAX_PIXELS: u64 = 64_000_000;
const MAX_SIDE: u32 = 65_535;
const MAX_DECODER_MEMORY: u64 = 640 << 20;
/// Limit for other data than pixels in a PNG, raw and decompressed: beyond it, data is
/// dropped or the image refused.
const MAX_BESIDE: u64 = 64 << 20;
const MAX_PROFILE: usize = 1 << 20;
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

/// A decoded image with its orientation applied.
pub struct Decoded {
    pub pixels: Pixels,
    /// An RGB colour profile (ICC).
    profile: Option<Vec<u8>>,
    /// What the file contains besides these pixels.
    pub remarks: Vec<Remark>,
}

/// Decodes an image, or the first of several frames. Frees the file's bytes
/// before it returns.
pub fn decode(file: Vec<u8>, format: Format) -> Result<Decoded, Problem> {
    match format {
        Format::Png => {
            let mut limits = limits();
            limits.max_alloc = Some(MAX_BESIDE);
            let decoder = PngDecoder::with_limits(Cursor::new(file), limits).map_err(problem)?;
            let is_animated = decoder.is_apng().unwrap_or(false);
            decoded(decoder, is_animated)
        }
        Format::Jpeg if !is_whole(&file) => Err(Problem::Malformed),
        Format::Jpeg => decoded(JpegDecoder::new(Cursor::new(file)).map_err(problem)?, false),
        Format::Webp => {
            let decoder = WebPDecoder::new(Cursor::new(file)).map_err(problem)?;
            let is_animated = decoder.has_animation();
            decoded(decoder, is_animated)
        }
        Format::Gif => {
            let is_animated = has_second_frame(&file);
            decoded(
                GifDecoder::new(Cursor::new(file)).map_err(problem)?,
                is_animated,
            )
        }
    }
}

/// Whether a GIF has more than one frame, without decoding their pixels.
fn has_second_frame(file: &[u8]) -> bool {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let Ok(mut frames) = options.read_info(file) else {
        return false;
    };
    let mut next = || matches!(frames.next_frame_info(), Ok(Some(_)));
    next() && next()
}

/// Encodes in the original's format, and returns it with the file. A GIF
/// becomes a PNG, which is not limited to 256 colours; a result that is too
/// large becomes a JPEG if it has no alpha.
pub fn encode(image: Decoded, format: Format) -> Result<(Vec<u8>, Format), Problem> {
    let Decoded {
        pixels, profile, ..
    } = image;
    let format = match format {
        Format::Gif => Format::Png,
        Format::Jpeg if pixels.has_alpha() => Format::Png,
        other => other,
    };
    match encoded(&pixels, profile.as_deref(), format) {
        Err(Problem::ResultTooLarge) if !pixels.has_alpha() => {
            let file = encoded(&pixels, profile.as_deref(), Format::Jpeg)?;
            Ok((file, Format::Jpeg))
        }
        file => Ok((file?, format)),
    }
}

fn encoded(pixels: &Pixels, profile: Option<&[u8]>, format: Format) -> Result<Vec<u8>, Problem> {
    const JPEG_QUALITY: u8 = 90;
    let mut file = Bounded::default();
    let written = match format {
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
            write(encoder, pixels, profile)
        }
        Format::Webp => write(WebPEncoder::new_lossless(&mut file), pixels, profile),
        Format::Png | Format::Gif => {
            let (compression, filter) = (CompressionType::Fast, FilterType::Adaptive);
            let encoder = PngEncoder::new_with_quality(&mut file, compression, filter);
            write(encoder, pixels, profile)
        }
    };
    match written {
        Ok(()) => Ok(file.bytes),
        Err(_) if file.is_full => Err(Problem::ResultTooLarge),
        Err(error) => Err(problem(error)),
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

fn write(
    mut encoder: impl ImageEncoder,
    pixels: &Pixels,
    profile: Option<&[u8]>,
) -> Result<(), ImageError> {
    if let Some(profile) = profile {
        // All three formats support profiles.
        let _ = encoder.set_icc_profile(profile.to_vec());
    }
    let color = if pixels.has_alpha() {
        ExtendedColorType::Rgba8
    } else {
        ExtendedColorType::Rgb8
    };
    encoder.write_image(pixels.data(), pixels.width(), pixels.height(), color)
}

fn decoded(mut decoder: impl ImageDecoder, is_animated: bool) -> Result<Decoded, Problem> {
    let (width, height) = decoder.dimensions();
    let size = u64::from(width) * u64::from(height);
    if size > MAX_PIXELS || width.max(height) > MAX_SIDE {
        return Err(Problem::TooLarge);
    }
    decoder.set_limits(limits()).map_err(problem)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let color = decoder.color_type();

    let length = usize::try_from(decoder.total_bytes()).map_err(|_| Problem::TooLarge)?;
    let mut data = Vec::new();
    data.try_reserve_exact(length)
        .map_err(|_| Problem::TooLarge)?;
    data.resize(length, 0);
    decoder.read_image(&mut data).map_err(problem)?;

    let mut remarks = Vec::new();
    if is_animated {
        remarks.push(Remark::FirstFrame);
    }
    if has_16_bits(color) {
        remarks.push(Remark::EightBits);
    }
    let (data, alpha) = to_rgb(data, color)?;
    let pixels = Pixels::new(width, height, alpha, data).ok_or(Problem::Malformed)?;
    Ok(Decoded {
        pixels: upright(pixels, orientation)?,
        profile: profile.filter(|profile| is_rgb_profile(profile)),
        remarks,
    })
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODER_MEMORY);
    limits
}

fn problem(error: ImageError) -> Problem {
    match error {
        ImageError::Limits(_) => Problem::TooLarge,
        ImageError::Unsupported(_) => Problem::Unsupported,
        _ => Problem::Malformed,
    }
}

/// Converts to RGB or RGBA (the second value) with eight bits per channel, in
/// place if it gets smaller.
fn to_rgb(mut data: Vec<u8>, color: ColorType) -> Result<(Vec<u8>, bool), Problem> {
    let color = match color {
        ColorType::L16 => eight_bits(&mut data, ColorType::L8),
        ColorType::La16 => eight_bits(&mut data, ColorType::La8),
        ColorType::Rgb16 => eight_bits(&mut data, ColorType::Rgb8),
        ColorType::Rgba16 => eight_bits(&mut data, ColorType::Rgba8),
        other => other,
    };
    let opaque = |data: &[u8], channels| {
        let alphas = data.iter().skip(channels - 1).step_by(channels);
        alphas.copied().all(|alpha| alpha == u8::MAX)
    };
    Ok(match color {
        ColorType::Rgb8 => (data, false),
        ColorType::Rgba8 if opaque(&data, 4) => {
            remap::<4, 3>(&mut data, |[r, g, b, _]| [r, g, b]);
            (data, false)
        }
        ColorType::Rgba8 => (data, true),
        ColorType::L8 => {
            let rgb = data.iter().flat_map(|level| [*level; 3]).collect();
            (rgb, false)
        }
        ColorType::La8 => {
            let (pixels, _) = data.as_chunks::<2>();
            let rgba = pixels.iter().flat_map(|[l, a]| [*l, *l, *l, *a]).collect();
            (rgba, true)
        }
        _ => return Err(Problem::Unsupported),
    })
}

fn has_16_bits(color: ColorType) -> bool {
    matches!(
        color,
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16
    )
}

fn eight_bits(data: &mut Vec<u8>, color: ColorType) -> ColorType {
    const LEVEL: u32 = 257;
    remap::<2, 1>(data, |bytes| {
        let value = u32::from(u16::from_ne_bytes(bytes));
        [((value + LEVEL / 2) / LEVEL) as u8]
    });
    color
}

/// Replaces each `N` bytes by fewer, in place.
fn remap<const N: usize, const M: usize>(data: &mut Vec<u8>, to: impl Fn([u8; N]) -> [u8; M]) {
    let count = data.len() / N;
    for index in 0..count {
        let Some(old) = data
            .get(index * N..)
            .and_then(|rest| rest.first_chunk::<N>())
        else {
            break;
        };
        let new = to(*old);
        if let Some(place) = data.get_mut(index * M..(index + 1) * M) {
            place.copy_from_slice(&new);
        }
    }
    data.truncate(count * M);
    data.shrink_to_fit();
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

/// Whether a profile is for RGB; one for grey or CMYK would not match the output.
fn is_rgb_profile(profile: &[u8]) -> bool {
    profile.get(16..20) == Some(b"RGB ") && profile.len() <= MAX_PROFILE
}

/// Whether the picture is complete: the decoder would fill missing parts with grey.
fn is_whole(file: &[u8]) -> bool {
    const ANY_SIZE: inspected::Limits = inspected::Limits {
        max_bytes: u64::MAX,
        max_pixels: u64::MAX,
    };
    inspected::inspect(file, ANY_SIZE).is_ok()
}

#[cfg(test)]
pub use tests::file_with;

#[cfg(test)]
mod tests;
