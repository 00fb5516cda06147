//! JPEG. The decoder of the library `image` shows files with a scan for each component
//! with wrong colours; this one agrees with libjpeg in every order of scans.

use concept_refinement_domain::image::{Inspector, Limits};
use image::ColorType;
use jpeg_decoder::{Decoder, Error, PixelFormat};

use super::fits;
use crate::upright::of_exif;
use crate::{Colors, Problem, Raw, srgb};

/// The decoder needs an end, also where the picture has none.
const END: [u8; 2] = [0xff, 0xd9];

pub fn decode(mut file: Vec<u8>) -> Result<Raw, Problem> {
    file.extend(END);
    read(&file).or_else(|problem| {
        // The decoder reads on behind a picture without an end. Finding where it ends takes
        // long, so that is done only if something there disturbs the decoder.
        let end = end_of(&file).filter(|end| *end < file.len());
        file.truncate(end.ok_or(problem)?);
        file.extend(END);
        read(&file)
    })
}

/// None: it does not end.
fn end_of(file: &[u8]) -> Option<usize> {
    let mut inspector = Inspector::new(Limits {
        max_bytes: u64::MAX,
        max_pixels: u64::MAX,
    });
    inspector.push(file).ok()?;
    inspector.finish().ok()?;
    usize::try_from(inspector.picture_end()).ok()
}

fn read(file: &[u8]) -> Result<Raw, Problem> {
    let mut decoder = Decoder::new(file);
    decoder.read_info()?;
    let info = decoder.info().ok_or(Problem::Malformed)?;
    fits(info.width.into(), info.height.into())?;
    let mut data = decoder.decode()?;
    let (orientation, is_ambiguous) = of_exif(decoder.exif_data());
    let mut colors = Colors::of_file(decoder.icc_profile());
    drop(decoder);
    let samples = match info.pixel_format {
        PixelFormat::L8 => ColorType::L8,
        PixelFormat::L16 => ColorType::L16,
        PixelFormat::RGB24 => ColorType::Rgb8,
        PixelFormat::CMYK32 => {
            data = srgb::from_ink(data, colors.profile.as_ref());
            colors = colors.of_ink();
            ColorType::Rgb8
        }
    };
    Ok(Raw {
        width: info.width.into(),
        height: info.height.into(),
        samples,
        data,
        colors,
        orientation,
        is_animated: false,
        is_ambiguous,
    })
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unsupported(_) => Self::Unsupported,
            _ => Self::Malformed,
        }
    }
}
