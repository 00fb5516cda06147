//! Draws the sample images of the project, so that none has to be copied from
//! anywhere: a logo (PNG), a landscape (JPEG) and a badge with a transparent
//! ground (WebP).
//!
//! `cargo run -p concept-refinement-samples -- FOLDER [MEGAPIXELS [SIDE]]`
//!
//! The megapixels are those of the landscape, 1 unless told otherwise; the side
//! is that of the logo and the badge, in pixels.

mod badge;
mod canvas;
mod landscape;
mod logo;

use std::io::{Error, Result};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat};

use canvas::Canvas;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or_else(usage)?;
    let megapixels: f32 = match arguments.next() {
        Some(number) => number.parse().map_err(|_| usage())?,
        None => 1.0,
    };
    let side: Option<usize> = match arguments.next() {
        Some(number) => Some(number.parse().map_err(|_| usage())?),
        None => None,
    };
    let side = side.map(|side| side.clamp(16, 4096));
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;

    write(&logo::draw(side.unwrap_or(1024)), &folder.join("logo.png"))?;
    write(
        &badge::draw(side.unwrap_or(800)),
        &folder.join("badge.webp"),
    )?;
    let width = (megapixels.clamp(0.01, 50.0) * 1e6 * 4.0 / 3.0).sqrt() as usize;
    write(
        &landscape::draw(width, width * 3 / 4),
        &folder.join("landscape.jpg"),
    )
}

fn usage() -> Error {
    Error::other("usage: samples FOLDER [MEGAPIXELS [SIDE]]")
}

/// In the format that the name says.
fn write(canvas: &Canvas, path: &Path) -> Result<()> {
    const JPEG_QUALITY: u8 = 92;
    let (width, height) = (canvas.width as u32, canvas.height as u32);
    let format = ImageFormat::from_path(path).map_err(Error::other)?;
    if format == ImageFormat::Jpeg {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)
            .encode(&canvas.rgb(), width, height, ExtendedColorType::Rgb8)
            .map_err(Error::other)?;
        std::fs::write(path, file)?;
    } else {
        image::save_buffer_with_format(
            path,
            &canvas.rgba(),
            width,
            height,
            ExtendedColorType::Rgba8,
            format,
        )
        .map_err(Error::other)?;
    }
    println!("{} ({width} × {height})", path.display());
    Ok(())
}
