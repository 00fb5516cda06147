//! Changes the size of a picture by a Lanczos filter: its weights reach over three pixels
//! of the smaller picture, so that shrinking takes the mean of what vanishes.
//!
//! It computes in sRGB, as programs draw the edges of a logo: thin lines keep their
//! weight, where linear light makes dark ones thinner. Colours count by their alpha.
//!
//! Old and new pixels are in memory together; as numbers only the rows, in their new
//! width, that a new row needs.

use std::collections::VecDeque;
use std::f64::consts::PI;

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
    let across = taps(pixels.width(), width);
    let (mut rows, mut first) = (VecDeque::<Vec<[f32; N]>>::new(), 0);
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for tap in taps(pixels.height(), height) {
        while first < tap.start {
            rows.pop_front();
            first += 1;
        }
        while rows.len() < tap.weights.len() {
            old.clear();
            let row = pixels.row(first + rows.len());
            old.extend(row.chunks_exact(pixels.channels()).map(&read));
            rows.push_back(across.iter().map(|tap| tap.sum(&old)).collect());
        }
        new.clear();
        new.resize(across.len(), [0.0; N]);
        for (row, weight) in rows.iter().zip(&tap.weights) {
            for (sum, pixel) in new.iter_mut().zip(row) {
                add(sum, pixel, *weight);
            }
        }
        new.iter().for_each(&mut write);
    }
}

fn add<const N: usize>(sum: &mut [f32; N], pixel: &[f32; N], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(pixel) {
        *sum += value * weight;
    }
}

/// What a new pixel is made of along one side: weights for the old ones from `start` on.
struct Tap {
    start: usize,
    weights: Vec<f32>,
}

impl Tap {
    fn sum<const N: usize>(&self, row: &[[f32; N]]) -> [f32; N] {
        let mut sum = [0.0; N];
        for (pixel, weight) in row.iter().skip(self.start).zip(&self.weights) {
            add(&mut sum, pixel, *weight);
        }
        sum
    }
}

fn taps(from: u32, to: u32) -> Vec<Tap> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.0);
    let tap = |place| {
        let center = (f64::from(place) + 0.5) * scale - 0.5;
        let start = (center - LOBES * stretch).ceil().max(0.0);
        let end = (center + LOBES * stretch).floor().min(f64::from(from - 1));
        let (start, end) = (start as usize, end as usize);
        let weights = (start..=end).map(|old| lanczos((old as f64 - center) / stretch));
        let weights: Vec<_> = weights.collect();
        let sum: f64 = weights.iter().sum();
        let weights = weights.iter().map(|weight| rounded(weight / sum)).collect();
        Tap { start, weights }
    };
    (0..to).map(tap).collect()
}

const LOBES: f64 = 3.0;

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| {
        if x == 0.0 {
            1.0
        } else {
            (PI * x).sin() / (PI * x)
        }
    };
    sinc(x) * sinc(x / LOBES)
}

/// Sines differ between platforms in their last bits, which must not reach a result.
fn rounded(weight: f64) -> f32 {
    const STEPS: f64 = 65_536.0;
    ((weight * STEPS).round() / STEPS) as f32
}

#[cfg(test)]
mod tests;
