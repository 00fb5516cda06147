//! PNG, and the first frame of an animated one: browsers never show a default image that
//! is not part of the animation.

use std::io::Cursor;

use image::ColorType;
use image::metadata::Orientation;
use png::{BitDepth, Decoder, DecodingError, Limits, Transformations};

use super::{Decoded, Problem, Raw, Samples, color, fits, room};
use crate::notes::Remark;
use crate::pixels::Pixels;

/// Limit for other data than pixels, raw and decompressed: beyond it, data is dropped or
/// the image refused.
const MAX_BESIDE: usize = 64 << 20;

pub fn decode(file: Vec<u8>) -> Result<Decoded, Problem> {
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
    let (profile, mut remarks) = color::of_png(info);
    if frames > 1 {
        remarks.push(Remark::FirstFrame);
    }
    let exif = info.exif_metadata.as_deref();
    let orientation = exif.and_then(Orientation::from_exif_chunk);
    let place = info
        .frame_control
        .map_or((0, 0), |control| (control.x_offset, control.y_offset));
    drop(reader);

    let samples = samples(frame.color_type, frame.bit_depth)?;
    if frame.bit_depth == BitDepth::Sixteen {
        let (values, _) = data.as_chunks_mut::<2>();
        for value in values {
            *value = u16::from_be_bytes(*value).to_ne_bytes();
        }
    }
    let decoded = Raw {
        width: frame.width,
        height: frame.height,
        samples,
        data,
        profile,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        remarks,
    }
    .decoded()?;
    match (frame.width, frame.height) == size || !is_hidden {
        true => Ok(decoded),
        false => on_canvas(decoded, place, size),
    }
}

fn samples(color: png::ColorType, depth: BitDepth) -> Result<Samples, Problem> {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    Ok(Samples::Color(match (color, depth) {
        (Grayscale, BitDepth::Eight) => ColorType::L8,
        (GrayscaleAlpha, BitDepth::Eight) => ColorType::La8,
        (Rgb, BitDepth::Eight) => ColorType::Rgb8,
        (Rgba, BitDepth::Eight) => ColorType::Rgba8,
        (Grayscale, BitDepth::Sixteen) => ColorType::L16,
        (GrayscaleAlpha, BitDepth::Sixteen) => ColorType::La16,
        (Rgb, BitDepth::Sixteen) => ColorType::Rgb16,
        (Rgba, BitDepth::Sixteen) => ColorType::Rgba16,
        _ => return Err(Problem::Unsupported),
    }))
}

/// A frame that is smaller than its animation; around it nothing is to be seen.
fn on_canvas(
    frame: Decoded,
    (left, top): (u32, u32),
    size: (u32, u32),
) -> Result<Decoded, Problem> {
    let Decoded {
        mut pixels,
        remarks,
    } = frame;
    pixels.add_alpha();
    let data = room((size.0 as usize * 4).checked_mul(size.1 as usize))?;
    let mut canvas = Pixels::new(size.0, size.1, true, data).ok_or(Problem::Malformed)?;
    for (row, onto) in pixels.rows().zip(canvas.rows_mut().skip(top as usize)) {
        let onto = onto.get_mut(left as usize * 4..).unwrap_or_default();
        onto.iter_mut()
            .zip(row)
            .for_each(|(onto, value)| *onto = *value);
    }
    Ok(Decoded {
        pixels: canvas,
        remarks,
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
