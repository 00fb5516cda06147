//! Pixelate: squares of a single colour each, the mean of their visible pixels.

use crate::pixels::{Pixels, alpha, rgb};

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
    let mut means = vec![Mean::default(); (pixels.width() as usize).div_ceil(size)];
    for rows in pixels.data_mut().chunks_mut(band) {
        means.fill(Mean::default());
        let row_length = band / size;
        for row in rows.chunks_exact(row_length) {
            for (mean, square) in means.iter_mut().zip(row.chunks(size * channels)) {
                square
                    .chunks_exact(channels)
                    .for_each(|pixel| mean.add(pixel));
            }
        }
        for row in rows.chunks_exact_mut(row_length) {
            for (mean, square) in means.iter().zip(row.chunks_mut(size * channels)) {
                let mean = mean.color();
                for pixel in square.chunks_exact_mut(channels) {
                    pixel.iter_mut().zip(mean).for_each(|(to, from)| *to = from);
                }
            }
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Mean {
    colors: [u64; 3],
    alpha: u64,
    count: u64,
}

impl Mean {
    fn add(&mut self, pixel: &[u8]) {
        let alpha = u64::from(alpha(pixel));
        for (sum, value) in self.colors.iter_mut().zip(rgb(pixel)) {
            *sum += u64::from(value) * alpha;
        }
        self.alpha += alpha;
        self.count += 1;
    }

    fn color(&self) -> [u8; 4] {
        let mean = |sum: u64, of: u64| ((sum + of / 2) / of.max(1)) as u8;
        let [r, g, b] = self.colors.map(|sum| mean(sum, self.alpha));
        [r, g, b, mean(self.alpha, self.count)]
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
