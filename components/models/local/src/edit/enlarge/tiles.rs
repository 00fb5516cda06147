//! A picture goes through the network in tiles, each with the pixels around it that it
//! depends on. The result is the same, whatever the size of a tile.
//!
//! Alpha goes through apart, as a grey picture: with the colours it would become a part
//! of them, and a filter would leave its edges soft.

use std::array::from_fn;

use super::network::{Network, Plane, REACH};
use crate::pixels::{Pixels, alpha, rgb};

/// Tiles of this size take 3 MB; smaller ones share more of their pixels with others.
pub const SIDE: usize = 128;

/// Writes the picture to one twice as large.
pub fn double(small: &Pixels, large: &mut Pixels, side: usize) {
    let network = Network::new();
    let channels = large.channels();
    for (top, height) in spans(small.height() as usize, side) {
        for (left, width) in spans(small.width() as usize, side) {
            let stride = width + 2 * REACH;
            let (across, down) = ((left, stride), (top, height + 2 * REACH));
            let colors = network.double(&tile(small, across, down, rgb), stride);
            let mut planes = Vec::from(colors);
            if small.has_alpha() {
                let alphas = tile(small, across, down, |pixel| [alpha(pixel); 3]);
                planes.push(double_alpha(&network, &alphas, stride));
            }
            for y in 0..2 * height {
                let row = large.row_mut(2 * top + y).chunks_exact_mut(channels);
                for (x, pixel) in row.skip(2 * left).take(2 * width).enumerate() {
                    let (quarter, place) = (x % 2 + y % 2 * 2, x / 2 + y / 2 * stride);
                    for (value, quarters) in pixel.iter_mut().zip(&planes) {
                        let plane = quarters.get(quarter);
                        let new = plane.and_then(|plane| plane.get(place));
                        *value = (new.unwrap_or(&0.0) * 255.0 + 0.5) as u8;
                    }
                }
            }
        }
    }
}

fn double_alpha(network: &Network, alphas: &[Plane; 3], stride: usize) -> [Plane; 4] {
    let [plane, ..] = alphas;
    // The network leaves these as they are, and they are most of a picture.
    let plain = [0.0, 1.0].map(|plain| plane.iter().all(|alpha| *alpha == plain));
    if plain.contains(&true) {
        return from_fn(|_| plane.clone());
    }
    let [grey, ..] = network.double(alphas, stride);
    grey
}

/// Where tiles start along a side, and how long each one is.
fn spans(length: usize, side: usize) -> impl Iterator<Item = (usize, usize)> {
    let side = length.div_ceil(length.div_ceil(side));
    let starts = (0..length).step_by(side);
    starts.map(move |start| (start, side.min(length - start)))
}

/// Three planes from 0 to 1. Beyond the picture its border is repeated.
fn tile(
    pixels: &Pixels,
    (left, width): (usize, usize),
    (top, height): (usize, usize),
    read: impl Fn(&[u8]) -> [u8; 3],
) -> [Plane; 3] {
    let inside = |place: usize, end: u32| place.saturating_sub(REACH).min(end as usize - 1);
    let channels = pixels.channels();
    let mut planes = [(); 3].map(|()| Plane::with_capacity(width * height));
    for y in top..top + height {
        let row = pixels.row(inside(y, pixels.height()));
        for x in left..left + width {
            let pixel = row.chunks_exact(channels).nth(inside(x, pixels.width()));
            let values = pixel.map_or([0; 3], &read);
            for (plane, value) in planes.iter_mut().zip(values) {
                plane.push(f32::from(value) / 255.0);
            }
        }
    }
    planes
}
