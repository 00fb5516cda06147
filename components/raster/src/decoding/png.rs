//! PNG, and the first frame of an animated one: browsers never show a default image that
//! is not part of the animation.

use std::io::Cursor;

use image::ColorType;
use png::{BitDepth, Decoder, DecodingError, Limits, Transformations};

use super::{fits, room};
use crate::upright::of_exif;
use crate::{Colors, Problem, Raw};

/// Limit for other data than pixels, raw and decompressed: beyond it, data is dropped or
/// the image refused.
const MAX_BESIDE: usize = 64 << 20;

pub fn decode(file: Vec<u8>) -> Result<Raw, Problem> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: MAX_BESIDE });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let size = reader.info().size();
    fits(size.0, size.1)?;
    let frames = reader
        .info()
        .animation_control
        .map_or(0, |control| control.num_frames);
    let is_hidden = frames > 0 && reader.info().frame_control.is_none();
    if is_hidden {
        reader.next_frame_info()?;
    }
    let mut data = room(reader.output_buffer_size())?;
    let frame = reader.next_frame(&mut data)?;
    data.truncate(frame.buffer_size());

    let info = reader.info();
    let colors = Colors::of_png(info);
    let place = info
        .frame_control
        .map_or((0, 0), |control| (control.x_offset, control.y_offset));
    if info.exif_metadata.is_none() && frames <= 1 {
        // It may follow the picture. What else is wrong there, the picture does not need.
        let _ = reader.finish();
    }
    let (orientation, is_ambiguous) = of_exif(reader.info().exif_metadata.as_deref());
    drop(reader);

    let samples = samples(frame.color_type, frame.bit_depth)?;
    if frame.bit_depth == BitDepth::Sixteen {
        let (values, _) = data.as_chunks_mut::<2>();
        for value in values {
            *value = u16::from_be_bytes(*value).to_ne_bytes();
        }
    }
    let raw = Raw {
        width: frame.width,
        height: frame.height,
        samples,
        data,
        colors,
        orientation,
        is_animated: frames > 1,
        is_ambiguous: is_ambiguous || is_hidden,
    };
    match (frame.width, frame.height) == size || !is_hidden {
        true => Ok(raw),
        false => on_canvas(raw, place, size),
    }
}

fn samples(color: png::ColorType, depth: BitDepth) -> Result<ColorType, Problem> {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    Ok(match (color, depth) {
        (Grayscale, BitDepth::Eight) => ColorType::L8,
        (GrayscaleAlpha, BitDepth::Eight) => ColorType::La8,
        (Rgb, BitDepth::Eight) => ColorType::Rgb8,
        (Rgba, BitDepth::Eight) => ColorType::Rgba8,
        (Grayscale, BitDepth::Sixteen) => ColorType::L16,
        (GrayscaleAlpha, BitDepth::Sixteen) => ColorType::La16,
        (Rgb, BitDepth::Sixteen) => ColorType::Rgb16,
        (Rgba, BitDepth::Sixteen) => ColorType::Rgba16,
        _ => return Err(Problem::Unsupported),
    })
}

/// A frame that is smaller than its animation; around it nothing is to be seen.
fn on_canvas(
    frame: Raw,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
) -> Result<Raw, Problem> {
    let (samples, alpha) = match frame.samples {
        ColorType::L8 => (ColorType::La8, 1),
        ColorType::Rgb8 => (ColorType::Rgba8, 1),
        ColorType::L16 => (ColorType::La16, 2),
        ColorType::Rgb16 => (ColorType::Rgba16, 2),
        other => (other, 0),
    };
    let [old, new] = [frame.samples, samples].map(|it| usize::from(it.bytes_per_pixel()));
    let length = (width as usize).checked_mul(height as usize);
    let mut data = room(length.and_then(|length| length.checked_mul(new)))?;
    let rows = frame.data.chunks_exact(frame.width as usize * old);
    let canvas = data.chunks_exact_mut(width as usize * new);
    for (row, onto) in rows.zip(canvas.skip(top as usize)) {
        let onto = onto.chunks_exact_mut(new).skip(left as usize);
        for (pixel, onto) in row.chunks_exact(old).zip(onto) {
            let opaque = [u8::MAX; 2];
            let with_alpha = pixel.iter().chain(opaque.iter().take(alpha));
            onto.iter_mut()
                .zip(with_alpha)
                .for_each(|(onto, value)| *onto = *value);
        }
    }
    Ok(Raw {
        width,
        height,
        samples,
        data,
        ..frame
    })
}

impl From<DecodingError> for Problem {
    fn from(error: DecodingError) -> Self {
        match error {
            DecodingError::LimitsExceeded => Self::TooLarge,
            _ => Self::Malformed,
        }
    }
}
