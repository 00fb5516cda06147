//! Sharpen: amplifies differences in lightness from the surroundings (unsharp mask). It
//! changes only lightness, so that edges get no coloured seams.

use super::window::{by_rows, padded};
use crate::pixels::{Pixels, luma, rgb};

/// Weights are in 64ths.
const WHOLE: i32 = 64;

pub fn apply(pixels: &mut Pixels, amount: f32) {
    /// How much of the difference is added, in 64ths.
    const GAIN: f32 = 80.0;
    let gain = (amount.clamp(0.0, 3.0) * GAIN) as i32;
    if gain == 0 {
        return;
    }
    let channels = pixels.channels();
    let radius = radius(pixels);
    let weights = weights(radius);
    // Lightness averaged down each column, with the ends repeated.
    let (mut column, mut around) = (Vec::new(), Vec::new());
    by_rows(pixels, radius, |rows, out| {
        column.clear();
        column.resize(out.len() / channels, 0);
        for (row, weight) in rows.iter().zip(&weights) {
            for (sum, pixel) in column.iter_mut().zip(row.chunks_exact(channels)) {
                *sum += lightness(pixel) * weight;
            }
        }
        around.clear();
        around.extend(padded(&column, radius));
        let windows = around.windows(2 * radius + 1);
        for (pixel, sums) in out.chunks_exact_mut(channels).zip(windows) {
            let blurred: i32 = sums
                .iter()
                .zip(&weights)
                .map(|(sum, weight)| sum * weight)
                .sum();
            let difference = lightness(pixel) * WHOLE * WHOLE - blurred;
            let change = limited(difference / WHOLE) * gain / (WHOLE * WHOLE);
            for value in pixel.iter_mut().take(3) {
                *value = (i32::from(*value) + change).clamp(0, 255) as u8;
            }
        }
    });
}

/// Ignores noise. The difference is in 64ths of a level.
fn limited(difference: i32) -> i32 {
    const NOISE: i32 = 2 * WHOLE;
    difference - difference.clamp(-NOISE, NOISE)
}

/// The visible radius of sharpness grows with the image.
fn radius(pixels: &Pixels) -> usize {
    let side = pixels.width().min(pixels.height()) as usize;
    (side / 700).clamp(1, 5)
}

/// A triangle, `2 * radius + 1` wide, whose weights add up to `WHOLE`.
fn weights(radius: usize) -> Vec<i32> {
    let height = radius as i32 + 1;
    let share = WHOLE / (height * height);
    let mut weights: Vec<_> = (1..=height)
        .chain((1..height).rev())
        .map(|part| part * share)
        .collect();
    let rest = WHOLE - weights.iter().sum::<i32>();
    if let Some(middle) = weights.get_mut(radius) {
        *middle += rest;
    }
    weights
}

fn lightness(pixel: &[u8]) -> i32 {
    luma(rgb(pixel)).into()
}
