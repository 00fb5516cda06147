//! Blur: three box blurs, which approximate a Gaussian and cost the same for
//! every radius. Alpha is blurred, too, and transparent pixels do not contribute
//! colour.

use super::mean::Mean;
use super::window::{by_rows, padded};
use crate::pixels::Pixels;

/// An amount of 1 is a clearly visible blur at any image size.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    const PASSES: usize = 3;
    let radius = radius(pixels, amount);
    if radius == 0 {
        return;
    }
    for _ in 0..PASSES {
        if pixels.has_alpha() {
            horizontally::<4>(pixels, radius);
            vertically::<4>(pixels, radius);
        } else {
            horizontally::<3>(pixels, radius);
            vertically::<3>(pixels, radius);
        }
    }
}

fn radius(pixels: &Pixels, amount: f32) -> usize {
    const OF_SIDE: f32 = 0.006;
    const MAX_RADIUS: f32 = 60.0;
    let side = pixels.width().min(pixels.height()) as f32;
    let radius = side * OF_SIDE * amount;
    // At least one pixel, so that small images are blurred too.
    let least = if amount > 0.3 { 1.0 } else { 0.0 };
    radius.clamp(least, MAX_RADIUS).round() as usize
}

/// As much of a pixel as can be seen counts.
fn weight<const N: usize>(pixel: &[u8; N]) -> u32 {
    pixel.get(3).map_or(1, |alpha| u32::from(*alpha))
}

/// Gives a pixel the mean colour and alpha of those within the radius.
fn write<const N: usize>(mean: &Mean, pixel: &mut [u8; N], radius: usize) {
    mean.write(pixel);
    if let Some(alpha) = pixel.get_mut(3) {
        *alpha = mean.weight(2 * radius + 1);
    }
}

fn horizontally<const N: usize>(pixels: &mut Pixels, radius: usize) {
    let mut around: Vec<[u8; N]> = Vec::new();
    for row in pixels.rows_mut() {
        let row = row.as_chunks_mut::<N>().0;
        around.clear();
        around.extend(padded(row, radius));
        let mut mean = Mean::default();
        let (first, entering) = around.split_at_checked(2 * radius).unwrap_or_default();
        for pixel in first {
            mean.add(pixel, weight(pixel));
        }
        for ((pixel, entering), leaving) in row.iter_mut().zip(entering).zip(&around) {
            mean.add(entering, weight(entering));
            write(&mean, pixel, radius);
            mean.remove(leaving, weight(leaving));
        }
    }
}

fn vertically<const N: usize>(pixels: &mut Pixels, radius: usize) {
    let mut means = vec![Mean::default(); pixels.width() as usize];
    by_rows(pixels, radius, |rows, out| {
        for row in rows.entering() {
            for (mean, pixel) in means.iter_mut().zip(row.as_chunks::<N>().0) {
                mean.add(pixel, weight(pixel));
            }
        }
        let out = out.as_chunks_mut::<N>().0;
        let leaving = rows.leaving().as_chunks::<N>().0;
        for ((mean, pixel), leaving) in means.iter_mut().zip(out).zip(leaving) {
            write(mean, pixel, radius);
            mean.remove(leaving, weight(leaving));
        }
    });
}
