//! Originals, drawn here.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageEncoder as _, ImageFormat, Luma, Rgb, RgbImage,
};

#[derive(Clone, Debug)]
pub struct Picture {
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
    pub width: u32,
    pub height: u32,
}

pub fn png(width: u32, height: u32) -> Picture {
    png_of(&logo(width, height).into())
}

/// An image that was drawn elsewhere.
pub fn png_of(image: &DynamicImage) -> Picture {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    Picture {
        bytes: bytes.into_inner(),
        media_type: "image/png",
        width: image.width(),
        height: image.height(),
    }
}

/// A white rectangle on black, by its edges.
pub fn mask(width: u32, height: u32, [left, top, right, bottom]: [u32; 4]) -> Picture {
    let image = GrayImage::from_fn(width, height, |x, y| {
        let is_inside = (left..right).contains(&x) && (top..bottom).contains(&y);
        Luma([if is_inside { 255 } else { 0 }])
    });
    png_of(&image.into())
}

/// A square in which nothing repeats, so it takes three bytes a pixel.
pub fn noise(side: u32) -> Picture {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let image = RgbImage::from_fn(side, side, |_, _| Rgb([noise(), noise(), noise()]));
    png_of(&image.into())
}

/// With a colour profile of so many bytes, of which nearly nothing is left when packed.
pub fn png_with_profile(length: usize) -> Picture {
    let picture = png(8, 8);
    let image = image::load_from_memory(&picture.bytes).unwrap().to_rgb8();
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(vec![0; length]).unwrap();
    encoder
        .write_image(image.as_raw(), 8, 8, ExtendedColorType::Rgb8)
        .unwrap();
    Picture { bytes, ..picture }
}

/// Of a little more than so many bytes, all of which belong to the picture; their number is
/// no multiple of three.
pub fn large_png(bytes: usize) -> Picture {
    let pictures = (1_000..).map(|width| {
        let height = u32::try_from(bytes).unwrap() / (3 * width) + 1;
        encoded(width, height, "image/png", |image, bytes| {
            let (compression, filter) = (CompressionType::Uncompressed, FilterType::NoFilter);
            let encoder = PngEncoder::new_with_quality(bytes, compression, filter);
            image.write_with_encoder(encoder).unwrap();
        })
    });
    let mut uneven = pictures.filter(|picture| !picture.bytes.len().is_multiple_of(3));
    uneven.next().unwrap()
}

pub fn jpeg(width: u32, height: u32) -> Picture {
    encoded(width, height, "image/jpeg", |image, bytes| {
        let encoder = JpegEncoder::new_with_quality(bytes, 90);
        image.write_with_encoder(encoder).unwrap();
    })
}

pub fn webp(width: u32, height: u32) -> Picture {
    encoded(width, height, "image/webp", |image, bytes| {
        let encoder = WebPEncoder::new_lossless(bytes);
        image.write_with_encoder(encoder).unwrap();
    })
}

pub fn gif(width: u32, height: u32) -> Picture {
    encoded(width, height, "image/gif", |image, bytes| {
        let frame = image::Frame::new(image.to_rgba8());
        GifEncoder::new(bytes).encode_frame(frame).unwrap();
    })
}

/// One of each format.
pub fn all(width: u32, height: u32) -> [Picture; 4] {
    [
        png(width, height),
        jpeg(width, height),
        webp(width, height),
        gif(width, height),
    ]
}

/// A whole PNG of so many bytes: what comes after its end belongs to it.
pub fn padded(bytes: usize) -> Vec<u8> {
    let mut image = png(8, 8).bytes;
    image.resize(bytes, 0);
    image
}

/// A PNG that claims to be of this size, with the header and little else.
pub fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1).bytes;
    // The size stands after the signature, the length and the name of IHDR.
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

pub fn decode(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

/// The mean of all channels, 0 to 255.
pub fn brightness(image: &DynamicImage) -> f64 {
    let samples = image.to_rgb8().into_raw();
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample)).sum();
    sum / samples.len() as f64
}

fn encoded(
    width: u32,
    height: u32,
    media_type: &'static str,
    encode: impl FnOnce(&DynamicImage, &mut Vec<u8>),
) -> Picture {
    let mut bytes = Vec::new();
    encode(&logo(width, height).into(), &mut bytes);
    Picture {
        bytes,
        media_type,
        width,
        height,
    }
}

/// A bean on a brown disc on a light ground.
fn logo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let x = (f64::from(x) + 0.5) / f64::from(width) * 2.0 - 1.0;
        let y = (f64::from(y) + 0.5) / f64::from(height) * 2.0 - 1.0;
        if (x / 0.3).powi(2) + (y / 0.5).powi(2) < 1.0 {
            Rgb([60, 36, 20])
        } else if x * x + y * y < 0.7 {
            Rgb([140, 90, 43])
        } else {
            Rgb([236, 224, 200])
        }
    })
}
