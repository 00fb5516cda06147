//! Minimalist: few flat colours in simple shapes, as if cut from paper.
//!
//! Shapes are found on a small copy (about a megapixel), where each place gets
//! one of a few colours and small islands and frayed edges are removed. Then
//! they are drawn at full size with clean edges.

mod draw;
mod shapes;

use super::{clusters, factor, smooth};
use crate::pixels::Pixels;
use shapes::Shapes;

/// An amount of 1 leaves a handful of colours, larger amounts leave fewer.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    const PASSES: usize = 3;
    /// Texture below this difference in levels is removed.
    const TEXTURE: f32 = 45.0;
    if amount <= 0.0 {
        return;
    }
    let factor = factor(pixels);
    let mut small = shrink(pixels, factor);
    let radius = radius(&small);
    for _ in 0..PASSES {
        smooth::filter(&mut small, radius + 1, TEXTURE);
    }
    let colors = clusters::of(&small, colors(amount));
    let mut shapes = Shapes::new(&small, &colors);
    drop(small);
    shapes.simplify(radius, amount);
    // A smaller amount means more colours, not a blend with the original.
    let presence = (amount / 0.4).min(1.0);
    draw::draw(pixels, &shapes, &colors, factor, presence);
}

/// Most remaining colours.
fn colors(amount: f32) -> usize {
    (15.0 - 7.0 * amount).clamp(5.0, 15.0).round() as usize
}

/// Radius of smoothing; small, so that thin lines in small images survive.
fn radius(small: &Pixels) -> usize {
    const SMALL: u32 = 720;
    if small.width().min(small.height()) < SMALL {
        1
    } else {
        2
    }
}

/// Averages squares of pixels, weighting each pixel by its alpha.
fn shrink(pixels: &Pixels, factor: usize) -> Pixels {
    if factor == 1 {
        return pixels.clone();
    }
    let channels = pixels.channels();
    let width = (pixels.width() as usize).div_ceil(factor);
    let height = (pixels.height() as usize).div_ceil(factor);
    let mut data = Vec::with_capacity(width * height * channels);
    let mut sums = vec![[0_u32; 5]; width];
    for (y, row) in pixels.rows().enumerate() {
        for (sum, square) in sums.iter_mut().zip(row.chunks(factor * channels)) {
            for pixel in square.chunks_exact(channels) {
                let alpha = u32::from(crate::pixels::alpha(pixel));
                let [r, g, b] = crate::pixels::rgb(pixel).map(|value| u32::from(value) * alpha);
                for (sum, value) in sum.iter_mut().zip([r, g, b, alpha, 1]) {
                    *sum += value;
                }
            }
        }
        if (y + 1) % factor == 0 || y + 1 == pixels.height() as usize {
            for [r, g, b, alpha, count] in &mut sums {
                let mean = |sum: u32| ((sum + *alpha / 2) / (*alpha).max(1)) as u8;
                data.extend([mean(*r), mean(*g), mean(*b)]);
                if pixels.has_alpha() {
                    data.push((*alpha / (*count).max(1)) as u8);
                }
            }
            sums.fill([0; 5]);
        }
    }
    Pixels::new(width as u32, height as u32, pixels.has_alpha(), data)
        .unwrap_or_else(|| pixels.clone())
}
