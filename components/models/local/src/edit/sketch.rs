//! Sketch: as if drawn with a pencil. Whatever is darker than its surroundings becomes a
//! stroke, the darker the stronger; areas that are dark altogether are hatched. Alpha is
//! unchanged; transparent parts count as white.

use super::window::{by_rows, padded};
use crate::pixels::{Pixels, alpha, luma, rgb};

/// An amount of 1 leaves only graphite on paper; smaller amounts keep a part of the
/// picture, larger ones press harder.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    let (pencil, presence) = (pencil(amount), amount.min(1.0));
    if pixels.has_alpha() {
        draw::<4>(pixels, &pencil, presence);
    } else {
        draw::<3>(pixels, &pencil, presence);
    }
}

/// The grey of a pixel by its lightness and by that of its surroundings, in tables, so that
/// nothing has to be computed per pixel.
fn pencil(amount: f32) -> impl Fn(u8, f32) -> f32 {
    const HARDNESS: f32 = 2.2;
    /// How much of a flat darkness is left as shading.
    const SHADING: f32 = 0.12;
    let pressure = amount.clamp(1.0, 2.0);
    let table = |grey: &dyn Fn(f32) -> f32| -> [f32; 256] {
        std::array::from_fn(|level| grey(level as f32 / 255.0))
    };
    // By the lightness relative to the surroundings, in 255ths, and by the lightness itself.
    let strokes = table(&|part: f32| 255.0 * part.powf(HARDNESS * pressure));
    let shades = table(&|part: f32| 1.0 - SHADING * pressure * (1.0 - part));
    move |own: u8, around: f32| {
        let part = (f32::from(own) * 255.0 / around.max(1.0)).min(255.0) as u8;
        let at = |table: &[f32; 256], level: u8| table.get(usize::from(level)).copied();
        match (at(&strokes, part), at(&shades, own)) {
            (Some(stroke), Some(shade)) => stroke * shade,
            _ => f32::from(own),
        }
    }
}

/// The lightness that hatching leaves at a place (the first two), by that of its
/// surroundings: the darker these are, the wider the lines, which run from the lower left to
/// the upper right.
fn hatching(pixels: &Pixels) -> impl Fn(f32, f32, f32) -> f32 + use<> {
    const LINES: f32 = 150.0;
    const THINNEST: f32 = 3.0;
    const DARKNESS: f32 = 0.38;
    const LIGHT: f32 = 225.0;
    let side = pixels.width().min(pixels.height()) as f32;
    let period = (side / LINES).max(THINNEST);
    // In a small image the lines are coarse, so they are made fainter.
    let darkness = DARKNESS * (side / LINES / THINNEST).clamp(0.3, 1.0);
    move |x: f32, y: f32, around: f32| {
        let width = (1.0 - around / LIGHT).clamp(0.0, 1.0);
        let place = (x * 0.6 + y) / period;
        // 0 in the middle of a line, 1 in the middle of a gap.
        let gap = ((place - place.floor()) * 2.0 - 1.0).abs();
        let line = ((width - gap) * 2.5 + 0.5).clamp(0.0, 1.0);
        1.0 - darkness * line * (width * 6.0).min(1.0)
    }
}

/// The radius of the surroundings.
fn radius(pixels: &Pixels) -> usize {
    const OF_SIDE: f32 = 0.008;
    const MAX_RADIUS: f32 = 40.0;
    let side = pixels.width().min(pixels.height()) as f32;
    (side * OF_SIDE).clamp(2.0, MAX_RADIUS) as usize
}

fn draw<const N: usize>(pixels: &mut Pixels, pencil: &impl Fn(u8, f32) -> f32, presence: f32) {
    let radius = radius(pixels);
    let width = pixels.width() as usize;
    let area = ((2 * radius + 1) * (2 * radius + 1)) as f32;
    // Sums of the columns around the current row.
    let mut columns = vec![0_u32; width];
    let mut padded_columns = Vec::with_capacity(width + 2 * radius);
    let hatching = hatching(pixels);
    by_rows(pixels, radius, |rows, out| {
        for row in rows.entering() {
            for (sum, pixel) in columns.iter_mut().zip(row.as_chunks::<N>().0) {
                *sum += u32::from(lightness(pixel));
            }
        }
        padded_columns.clear();
        padded_columns.extend(padded(&columns, radius));
        let (first, entering) = padded_columns
            .split_at_checked(2 * radius)
            .unwrap_or_default();
        let mut sum: u32 = first.iter().sum();
        let moving = entering.iter().zip(&padded_columns);
        let pixels = out.as_chunks_mut::<N>().0.iter_mut().zip(moving);
        for (x, (pixel, (entering, leaving))) in pixels.enumerate() {
            sum += entering;
            let around = sum as f32 / area;
            sum -= leaving;
            let grey = pencil(lightness(pixel), around) * hatching(x as f32, rows.y as f32, around);
            for value in pixel.iter_mut().take(3) {
                let old = f32::from(*value);
                *value = (old + (grey - old) * presence + 0.5) as u8;
            }
        }
        let leaving = rows.leaving().as_chunks::<N>().0;
        for (sum, pixel) in columns.iter_mut().zip(leaving) {
            *sum -= u32::from(lightness(pixel));
        }
    });
}

/// The lightness on white paper.
fn lightness<const N: usize>(pixel: &[u8; N]) -> u8 {
    let darkness = u32::from(u8::MAX - luma(rgb(pixel)));
    (255 - darkness * u32::from(alpha(pixel)) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_and_colors_go() {
        let pixel = |place: usize| match place % 60 {
            30 => [40, 20, 20],
            0..30 => [255, 240, 220],
            _ => [200, 255, 255],
        };
        let data = (0..60 * 60).flat_map(pixel).collect();
        let mut pixels = Pixels::new(60, 60, false, data).unwrap();
        apply(&mut pixels, 1.0);
        for row in pixels.rows() {
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                assert!(pixel[0] == pixel[1] && pixel[1] == pixel[2], "{pixel:?}");
                assert_eq!(pixel[0] < 60, x == 30, "{x}: {pixel:?}");
                assert!(pixel[0] > 200 || x == 30, "{x}: {pixel:?}");
            }
        }
    }
}
