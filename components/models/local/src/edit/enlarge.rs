//! Enlarge: twice as large by a neural network, which was trained on drawings and keeps
//! their edges sharp; four times as large by doing so twice.
//!
//! The caller asks `fits` first. The picture and its result are in memory together, with
//! a few megabytes for the part that is computed.

mod network;
mod tiles;

use super::squares;
use crate::pixels::{Pixels, alpha, rgb};

/// Of the result, so that its time is bounded.
pub const MAX_PIXELS: u64 = 16_000_000;

/// Whether a picture of this size may become so many times as large.
pub fn fits(width: u32, height: u32, factor: u32) -> bool {
    let size = u64::from(width) * u64::from(height);
    let grown = u64::from(factor) * u64::from(factor);
    size.checked_mul(grown)
        .is_some_and(|size| size <= MAX_PIXELS)
}

/// Makes it twice as large, or four times.
pub fn apply(pixels: &mut Pixels, twice: bool) {
    double(pixels);
    if twice {
        double(pixels);
    }
}

fn double(pixels: &mut Pixels) {
    let (width, height) = (2 * pixels.width(), 2 * pixels.height());
    let bytes = width as usize * height as usize * pixels.channels();
    let Some(mut large) = Pixels::new(width, height, pixels.has_alpha(), vec![0; bytes]) else {
        return;
    };
    if pixels.has_alpha() {
        extend_colors(pixels);
    }
    tiles::double(pixels, &mut large, tiles::SIDE);
    *pixels = large;
}

/// Gives transparent pixels the colour of the nearest visible one: whatever colour they
/// have would become a fringe. What is visible of the result lies up to `REACH` from a
/// visible pixel, and its colour depends on as many pixels again, both also diagonally.
fn extend_colors(pixels: &mut Pixels) {
    let width = pixels.width() as usize;
    let mut known: Vec<_> = pixels.iter().map(|pixel| alpha(pixel) > 0).collect();
    let mut rim: Vec<_> = (0..known.len())
        .filter(|place| known.get(*place) == Some(&true))
        .collect();
    let pixels = pixels.data_mut().as_chunks_mut::<4>().0;
    for _ in 0..4 * network::REACH {
        for place in std::mem::take(&mut rim) {
            let color = pixels.get(place).map_or([0; 3], |pixel| rgb(pixel));
            for place in squares::beside(place, width, known.len()) {
                if let (Some(known @ false), Some([r, g, b, _])) =
                    (known.get_mut(place), pixels.get_mut(place))
                {
                    *known = true;
                    [*r, *g, *b] = color;
                    rim.push(place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
