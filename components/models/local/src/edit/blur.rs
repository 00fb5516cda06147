//! Blur: three box blurs, which approximate a Gaussian and cost the same for
//! every radius. Alpha is unchanged, and transparent pixels do not contribute
//! colour.

use super::window::Window;
use crate::pixels::Pixels;

/// An amount of 1 is a clearly visible blur at any image size.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    const PASSES: usize = 3;
    let radius = radius(pixels, amount);
    if radius == 0 {
        return;
    }
    for _ in 0..PASSES {
        if pixels.has_alpha() {
            horizontally::<4>(pixels, radius);
            vertically::<4>(pixels, radius);
        } else {
            horizontally::<3>(pixels, radius);
            vertically::<3>(pixels, radius);
        }
    }
}

fn radius(pixels: &Pixels, amount: f32) -> usize {
    const OF_SIDE: f32 = 0.006;
    const MAX_RADIUS: f32 = 60.0;
    let side = pixels.width().min(pixels.height()) as f32;
    let radius = side * OF_SIDE * amount;
    // At least one pixel, so that small images are blurred too.
    let least = if amount > 0.3 { 1.0 } else { 0.0 };
    radius.clamp(least, MAX_RADIUS).round() as usize
}

/// The sum of the colours in the box, weighted by alpha.
#[derive(Clone, Copy, Default)]
struct Sum {
    colors: [u32; 3],
    weight: u32,
}

impl Sum {
    fn add<const N: usize>(&mut self, pixel: &[u8; N]) {
        let (colors, weight) = weighted(pixel);
        for (sum, color) in self.colors.iter_mut().zip(colors) {
            *sum += color;
        }
        self.weight += weight;
    }

    fn remove<const N: usize>(&mut self, pixel: &[u8; N]) {
        let (colors, weight) = weighted(pixel);
        for (sum, color) in self.colors.iter_mut().zip(colors) {
            *sum -= color;
        }
        self.weight -= weight;
    }

    fn write<const N: usize>(&self, pixel: &mut [u8; N]) {
        if self.weight > 0 {
            let scale = 1.0 / self.weight as f32;
            for (value, sum) in pixel.iter_mut().zip(self.colors) {
                *value = (sum as f32 * scale + 0.5) as u8;
            }
        }
    }
}

fn weighted<const N: usize>(pixel: &[u8; N]) -> ([u32; 3], u32) {
    match *pixel.as_slice() {
        [r, g, b] => ([r, g, b].map(u32::from), 1),
        [r, g, b, a] => (
            [r, g, b].map(|color| u32::from(color) * u32::from(a)),
            u32::from(a),
        ),
        _ => ([0; 3], 0),
    }
}

fn horizontally<const N: usize>(pixels: &mut Pixels, radius: usize) {
    let mut original = Vec::new();
    for row in pixels.rows_mut() {
        original.clear();
        original.extend_from_slice(row);
        let (old, _) = original.as_chunks::<N>();
        let (row, _) = row.as_chunks_mut::<N>();
        let (Some(first), Some(last)) = (old.first(), old.last()) else {
            return;
        };
        // The pixels that enter and leave the box as it moves by one; the end
        // pixels are repeated.
        let entering = old.iter().skip(radius).chain(std::iter::repeat(last));
        let leaving = std::iter::repeat_n(first, radius + 1).chain(old);
        let mut sum = Sum::default();
        std::iter::repeat_n(first, radius + 1).for_each(|pixel| sum.add(pixel));
        let right = old.iter().chain(std::iter::repeat(last));
        right.take(radius).for_each(|pixel| sum.add(pixel));
        for ((pixel, entering), leaving) in row.iter_mut().zip(entering).zip(leaving) {
            sum.add(entering);
            sum.remove(leaving);
            sum.write(pixel);
        }
    }
}

fn vertically<const N: usize>(pixels: &mut Pixels, radius: usize) {
    let mut sums = vec![Sum::default(); pixels.width() as usize];
    let mut window = Window::new(pixels, radius);
    let mut started = false;
    while let Some((rows, out)) = window.next() {
        // At first the whole box, then only the row that enters it.
        let entering = if started {
            rows.len().saturating_sub(1)
        } else {
            0
        };
        for row in rows.range(entering..) {
            for (sum, pixel) in sums.iter_mut().zip(row.as_chunks::<N>().0) {
                sum.add(pixel);
            }
        }
        started = true;
        let leaving = rows.front().map(|row| row.as_chunks::<N>().0);
        let out = out.as_chunks_mut::<N>().0;
        for ((sum, pixel), leaving) in sums.iter_mut().zip(out).zip(leaving.unwrap_or_default()) {
            sum.write(pixel);
            sum.remove(leaving);
        }
    }
}
