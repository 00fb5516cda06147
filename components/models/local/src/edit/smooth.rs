//! Smooth: removes noise and texture, and keeps edges. Each pixel becomes the mean of the
//! similar pixels around it (a bilateral filter, once along rows and once along columns).
//! Alpha is unchanged.

use super::mean::Mean;
use super::window::{by_rows, padded};
use crate::pixels::Pixels;

/// An amount of 1 is clearly visible at any image size.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    const OF_SIDE: f32 = 0.003;
    const MAX_RADIUS: f32 = 5.0;
    let side = pixels.width().min(pixels.height()) as f32;
    let radius = (side * OF_SIDE).clamp(2.0, MAX_RADIUS) as usize;
    filter(pixels, radius, (36.0 * amount).min(72.0));
}

/// Differences of more than `tolerance` levels count as an edge.
pub fn filter(pixels: &mut Pixels, radius: usize, tolerance: f32) {
    let likeness = Likeness::new(tolerance);
    if pixels.has_alpha() {
        horizontally::<4>(pixels, radius, &likeness);
        vertically::<4>(pixels, radius, &likeness);
    } else {
        horizontally::<3>(pixels, radius, &likeness);
        vertically::<3>(pixels, radius, &likeness);
    }
}

/// The weight of a neighbour by the distance of its colour: the sum of the channels'
/// differences.
struct Likeness([u32; 256]);

impl Likeness {
    fn new(tolerance: f32) -> Self {
        const SCALE: f32 = 64.0;
        let mut weights = [0; 256];
        for (difference, weight) in weights.iter_mut().enumerate() {
            let apart = difference as f32 / tolerance.max(1.0);
            *weight = (SCALE * (-apart * apart).exp()) as u32;
        }
        Self(weights)
    }

    fn weight<const N: usize>(&self, one: &[u8; N], other: &[u8; N]) -> u32 {
        let apart: usize = one
            .iter()
            .zip(other)
            .map(|(one, other)| usize::from(one.abs_diff(*other)))
            .sum();
        self.0.get(apart).copied().unwrap_or_default()
    }
}

fn horizontally<const N: usize>(pixels: &mut Pixels, radius: usize, likeness: &Likeness) {
    let mut original: Vec<[u8; N]> = Vec::new();
    for row in pixels.rows_mut() {
        let row = row.as_chunks_mut::<N>().0;
        original.clear();
        original.extend(padded(row, radius));
        for (pixel, around) in row.iter_mut().zip(original.windows(2 * radius + 1)) {
            let center = *pixel;
            let mut mean = Mean::default();
            for other in around {
                mean.add(other, likeness.weight(&center, other));
            }
            mean.write(pixel);
        }
    }
}

fn vertically<const N: usize>(pixels: &mut Pixels, radius: usize, likeness: &Likeness) {
    let mut means = vec![Mean::default(); pixels.width() as usize];
    by_rows(pixels, radius, |rows, out| {
        let out = out.as_chunks_mut::<N>().0;
        means.fill(Mean::default());
        for row in rows.iter() {
            let row = row.as_chunks::<N>().0;
            for ((mean, center), other) in means.iter_mut().zip(out.iter()).zip(row) {
                mean.add(other, likeness.weight(center, other));
            }
        }
        for (mean, pixel) in means.iter().zip(out) {
            mean.write(pixel);
        }
    });
}
