//! Changes the size of a picture.
//!
//! It computes in sRGB, as programs draw the edges of a logo: thin lines keep their
//! weight, where linear light makes dark ones thinner. Colours count by their alpha. Old
//! and new pixels are in memory together.

use concept_refinement_raster::Resampling;

use crate::pixels::Pixels;

/// Makes the picture this large, at least one pixel.
pub fn to(pixels: &mut Pixels, width: u32, height: u32) {
    let (width, height) = (width.max(1), height.max(1));
    let mut data = Vec::with_capacity(width as usize * height as usize * pixels.channels());
    let byte = |value: f32| (value + 0.5) as u8;
    if pixels.has_alpha() {
        resample(pixels, width, height, weighted, |[r, g, b, alpha]| {
            let color = [r, g, b].map(|value| if *alpha > 0.0 { value / alpha } else { 0.0 });
            data.extend(color.map(byte));
            data.push(byte(*alpha));
        });
    } else {
        let color = |pixel: &[u8]| pixel.first_chunk().unwrap_or(&[0; 3]).map(f32::from);
        resample(pixels, width, height, color, |color: &[f32; 3]| {
            data.extend(color.map(byte));
        });
    }
    if let Some(new) = Pixels::new(width, height, pixels.has_alpha(), data) {
        *pixels = new;
    }
}

/// A colour times its alpha, and its alpha.
fn weighted(pixel: &[u8]) -> [f32; 4] {
    let [r, g, b, alpha] = pixel.first_chunk().unwrap_or(&[0; 4]).map(f32::from);
    [r * alpha, g * alpha, b * alpha, alpha]
}

/// Calls `write` with each new pixel, row by row.
fn resample<const N: usize>(
    pixels: &Pixels,
    width: u32,
    height: u32,
    read: impl Fn(&[u8]) -> [f32; N],
    mut write: impl FnMut(&[f32; N]),
) {
    let old = (pixels.width(), pixels.height());
    let mut resampling = Resampling::new(old, (width, height));
    let mut row = |y: usize, row: &mut Vec<[f32; N]>| {
        row.extend(pixels.row(y).chunks_exact(pixels.channels()).map(&read));
    };
    while let Some(new) = resampling.next_row(&mut row) {
        new.iter().for_each(&mut write);
    }
}

#[cfg(test)]
mod tests;
