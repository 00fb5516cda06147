//! Squares of pixels, as the places of a smaller map, row by row.

use crate::pixels::{Pixels, alpha, rgb};

/// How many pixels a place covers along a side, on a map of about a megapixel.
pub fn factor(pixels: &Pixels) -> usize {
    const SIZE: f64 = 1.3e6;
    let size = f64::from(pixels.width()) * f64::from(pixels.height());
    (size / SIZE).sqrt().ceil().max(1.0) as usize
}

/// Sums of what is read of each pixel of a square, and what becomes of them.
pub fn sums<const N: usize, T>(
    pixels: &Pixels,
    side: usize,
    read: impl Fn(&[u8]) -> [u64; N],
    finish: impl Fn([u64; N]) -> T,
) -> Vec<T> {
    let (channels, length) = (pixels.channels(), pixels.row(0).len());
    let mut squares = Vec::new();
    for band in pixels.data().chunks(side * length) {
        let mut sums = vec![[0; N]; (pixels.width() as usize).div_ceil(side)];
        for row in band.chunks_exact(length) {
            for (sums, square) in sums.iter_mut().zip(row.chunks(side * channels)) {
                for pixel in square.chunks_exact(channels) {
                    for (sum, value) in sums.iter_mut().zip(read(pixel)) {
                        *sum += value;
                    }
                }
            }
        }
        squares.extend(sums.into_iter().map(&finish));
    }
    squares
}

/// The mean colour of each square, where each pixel counts by its alpha. `cover` makes the
/// square's alpha of their sum and number.
pub fn means(pixels: &Pixels, side: usize, cover: impl Fn(u64, u64) -> u8) -> Vec<[u8; 4]> {
    sums(pixels, side, weighted, |[r, g, b, alpha, count]| {
        let [r, g, b] = [r, g, b].map(|sum| mean(sum, alpha));
        [r, g, b, cover(alpha, count)]
    })
}

/// A colour times its alpha, the alpha, and 1.
fn weighted(pixel: &[u8]) -> [u64; 5] {
    let alpha = u64::from(alpha(pixel));
    let [r, g, b] = rgb(pixel).map(|value| u64::from(value) * alpha);
    [r, g, b, alpha, 1]
}

pub fn mean(sum: u64, of: u64) -> u8 {
    ((sum + of / 2) / of.max(1)) as u8
}

/// The places beside another one, on a map of this width and this number of places.
pub fn beside(place: usize, width: usize, count: usize) -> impl Iterator<Item = usize> {
    let (x, below) = (place % width, place + width);
    [
        (x > 0).then(|| place - 1),
        (x + 1 < width).then_some(place + 1),
        place.checked_sub(width),
        (below < count).then_some(below),
    ]
    .into_iter()
    .flatten()
}
