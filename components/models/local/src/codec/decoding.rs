//! Reads files: every format becomes upright pixels in sRGB, eight bits per channel.
//!
//! What is shown is what browsers show: the first frame of an animation, the screen of a
//! GIF as large as that frame, a WebP as its chunks are and not as its flags say. That
//! nothing of the picture is missing was checked before: see `wit/model-types.wit`.

mod color;
mod gif;
mod jpeg;
mod png;
mod webp;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageBuffer, ImageDecoder, Limits};
use moxcms::ColorProfile;

use super::{Decoded, Format, MAX_PIXELS, Problem};
use crate::notes::Remark;
use crate::pixels::Pixels;

const MAX_SIDE: u32 = 65_535;
const MAX_DECODER_MEMORY: u64 = 640 << 20;

/// What a decoder found.
struct Raw {
    width: u32,
    height: u32,
    samples: Samples,
    data: Vec<u8>,
    /// None: sRGB.
    profile: Option<ColorProfile>,
    orientation: Orientation,
    remarks: Vec<Remark>,
}

/// What the data consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Samples {
    Color(ColorType),
    /// Ink, eight bits per channel.
    Cmyk,
}

/// Decodes an image, or the first of several frames. Frees the file's bytes before it
/// returns.
pub fn decode(file: Vec<u8>, format: Format) -> Result<Decoded, Problem> {
    match format {
        Format::Png => png::decode(file),
        Format::Jpeg => jpeg::decode(file)?.decoded(),
        Format::Webp => webp::decode(file)?.decoded(),
        Format::Gif => gif::decode(file)?.decoded(),
    }
}

fn fits(width: u32, height: u32) -> Result<(), Problem> {
    let size = u64::from(width) * u64::from(height);
    match size > MAX_PIXELS || width.max(height) > MAX_SIDE {
        true => Err(Problem::TooLarge),
        false => Ok(()),
    }
}

/// Zeros for a decoder to write to.
fn room(length: Option<usize>) -> Result<Vec<u8>, Problem> {
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
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let (profile, remarks) = color::of_file(decoder.icc_profile().ok().flatten());
        let color = decoder.color_type();
        let mut data = room(usize::try_from(decoder.total_bytes()).ok())?;
        decoder.read_image(&mut data)?;
        Ok(Self {
            width,
            height,
            samples: Samples::Color(color),
            data,
            profile,
            orientation,
            remarks,
        })
    }

    fn decoded(self) -> Result<Decoded, Problem> {
        let Self {
            width,
            height,
            samples,
            data,
            profile,
            orientation,
            mut remarks,
        } = self;
        let wide = [
            ColorType::L16,
            ColorType::La16,
            ColorType::Rgb16,
            ColorType::Rgba16,
        ];
        if wide.map(Samples::Color).contains(&samples) {
            remarks.push(Remark::EightBits);
        }
        let (data, alpha) = color::to_srgb(data, samples, profile.as_ref())?;
        let pixels = Pixels::new(width, height, alpha, data).ok_or(Problem::Malformed)?;
        Ok(Decoded {
            pixels: upright(pixels, orientation)?,
            remarks,
        })
    }
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
