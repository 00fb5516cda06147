//! An image model to be changed into your own: it turns images sepia.

#[cfg(target_arch = "wasm32")]
mod component;

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Rgba};

/// Where your model goes. Plain Rust, so that it can be tested without a component
/// around it. `image` is a whole file, checked by the service: PNG, JPEG, WebP or GIF.
/// The answer is a PNG, and is stored byte for byte.
///
/// The error is a sentence that the user reads after "Image refinement failed: ".
/// `strength` is from 0 (no change) to 1.
pub fn refine(image: &[u8], prompt: &str, strength: f32) -> Result<Vec<u8>, String> {
    if prompt.contains("impossible") {
        return Err("that is impossible".to_owned());
    }
    let mut pixels = upright(image)
        .map_err(|error| format!("the image cannot be read: {error}"))?
        .into_rgba8();
    for pixel in pixels.pixels_mut() {
        *pixel = sepia(*pixel, strength);
    }
    let mut png = Cursor::new(Vec::new());
    pixels
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| format!("the image cannot be written: {error}"))?;
    Ok(png.into_inner())
}

/// Cameras store images as they hold them, and which side is up beside it.
fn upright(bytes: &[u8]) -> image::ImageResult<DynamicImage> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn sepia(Rgba([red, green, blue, alpha]): Rgba<u8>, strength: f32) -> Rgba<u8> {
    let gray = 0.3 * f32::from(red) + 0.59 * f32::from(green) + 0.11 * f32::from(blue);
    let mixed = |channel: u8, tint: f32| {
        let channel = f32::from(channel);
        (channel + (gray * tint - channel) * strength).clamp(0.0, 255.0) as u8
    };
    Rgba([mixed(red, 1.2), mixed(green, 1.0), mixed(blue, 0.7), alpha])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(pixel: Rgba<u8>) -> Vec<u8> {
        let mut png = Cursor::new(Vec::new());
        let image = image::RgbaImage::from_pixel(2, 2, pixel);
        image.write_to(&mut png, ImageFormat::Png).unwrap();
        png.into_inner()
    }

    #[test]
    fn an_image_becomes_sepia() {
        let refined = refine(&png(Rgba([100, 100, 100, 50])), "older", 1.0).unwrap();
        let refined = image::load_from_memory(&refined).unwrap().into_rgba8();
        assert_eq!(refined.dimensions(), (2, 2));
        assert_eq!(*refined.get_pixel(0, 0), Rgba([120, 100, 70, 50]));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let refused = refine(&png(Rgba([0; 4])), "do the impossible", 0.7);
        assert_eq!(refused, Err("that is impossible".to_owned()));
        assert!(refine(b"no image", "older", 0.7).is_err());
    }
}
