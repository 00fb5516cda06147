//! Pixelate: squares of a single colour each, the mean of their visible pixels.

use super::squares;
use crate::pixels::Pixels;

/// Number of squares along the shorter side, at an amount of 1.
const SQUARES: f32 = 48.0;

pub fn apply(pixels: &mut Pixels, amount: f32) {
    let side = pixels.width().min(pixels.height()) as f32;
    let size = (side / SQUARES * amount).round();
    // Squares have at least two pixels, so that the effect is visible in small images
    // too.
    let least = if amount > 0.3 { 2 } else { 1 };
    let size = (size as usize).max(least);
    if size < 2 {
        return;
    }
    let channels = pixels.channels();
    let band = pixels.width() as usize * channels * size;
    let across = (pixels.width() as usize).div_ceil(size);
    let means = squares::means(pixels, size, squares::mean);
    for (rows, means) in pixels.data_mut().chunks_mut(band).zip(means.chunks(across)) {
        for row in rows.chunks_exact_mut(band / size) {
            for (square, mean) in row.chunks_mut(size * channels).zip(means) {
                for pixel in square.chunks_exact_mut(channels) {
                    pixel
                        .iter_mut()
                        .zip(mean)
                        .for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_have_one_color_each() {
        let data = (0..100 * 97 * 3).map(|place| (place * 7 % 251) as u8);
        let mut pixels = Pixels::new(100, 97, false, data.collect()).unwrap();
        let mean = |pixels: &Pixels| {
            let sum: u32 = pixels.data().iter().map(|value| u32::from(*value)).sum();
            sum as f32 / pixels.data().len() as f32
        };
        let before = mean(&pixels);
        apply(&mut pixels, 2.0);
        for y in 0..97 {
            for x in 0..100 {
                let own = &pixels.row(y)[x * 3..x * 3 + 3];
                let corner = &pixels.row(y / 4 * 4)[x / 4 * 12..x / 4 * 12 + 3];
                assert_eq!(own, corner, "{x},{y}");
            }
        }
        assert!((mean(&pixels) - before).abs() < 1.0);
    }
}
