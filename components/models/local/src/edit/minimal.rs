//! Minimalist: few flat colours in simple shapes, as if cut from paper.
//!
//! Shapes are found on a small copy (about a megapixel), where each place gets
//! one of a few colours and small islands and frayed edges are removed. Then
//! they are drawn at full size with clean edges.

mod draw;
mod shapes;

use super::squares::{self, factor};
use super::{clusters, smooth};
use crate::pixels::Pixels;
use shapes::Shapes;

/// An amount of 1 leaves a handful of colours, larger amounts leave fewer.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    const PASSES: usize = 3;
    /// Texture below this difference in levels is removed.
    const TEXTURE: f32 = 45.0;
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
    let [width, height] = [pixels.width(), pixels.height()].map(|it| it.div_ceil(factor as u32));
    let colors = squares::means(pixels, factor, |alpha, count| (alpha / count) as u8);
    let channels = pixels.channels();
    let data = colors
        .into_iter()
        .flat_map(|it| it.into_iter().take(channels));
    Pixels::new(width, height, pixels.has_alpha(), data.collect()).unwrap_or_else(|| pixels.clone())
}
