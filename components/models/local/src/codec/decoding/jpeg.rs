//! JPEG. The decoder of the library `image` shows files with a scan for each component
//! with wrong colours; this one agrees with libjpeg in every order of scans.

use image::ColorType;
use image::metadata::Orientation;
use jpeg_decoder::{Decoder, Error, PixelFormat};

use super::{Problem, Raw, Samples, color};

pub fn decode(mut file: Vec<u8>) -> Result<Raw, Problem> {
    // The decoder needs an end, also where the picture has none.
    file.extend([0xff, 0xd9]);
    let mut decoder = Decoder::new(file.as_slice());
    let data = decoder.decode()?;
    let info = decoder.info().ok_or(Problem::Malformed)?;
    let samples = match info.pixel_format {
        PixelFormat::L8 => Samples::Color(ColorType::L8),
        PixelFormat::L16 => Samples::Color(ColorType::L16),
        PixelFormat::RGB24 => Samples::Color(ColorType::Rgb8),
        PixelFormat::CMYK32 => Samples::Cmyk,
    };
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let (profile, remarks) = color::of_file(decoder.icc_profile());
    Ok(Raw {
        width: info.width.into(),
        height: info.height.into(),
        samples,
        data,
        profile,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        remarks,
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
