//! Vignette: darker towards the corners. Alpha is unchanged.

use crate::color::smoothstep;
use crate::pixels::Pixels;

/// Unit of the remaining light.
const WHOLE: u32 = 1 << 16;

/// An amount of 1 takes about half of the light from the corners.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    const DARKNESS: f32 = 0.52;
    const MAX_DARKENING: f32 = 0.95;
    let light = light((amount * DARKNESS).min(MAX_DARKENING));
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let channels = pixels.channels();
    let across: Vec<_> = (0..width).map(|x| squared(x, width)).collect();
    for (y, row) in pixels.rows_mut().enumerate() {
        let down = squared(y, height);
        for (pixel, across) in row.chunks_exact_mut(channels).zip(&across) {
            let left = light(across + down);
            for value in pixel.iter_mut().take(3) {
                *value = ((u32::from(*value) * left + WHOLE / 2) / WHOLE) as u8;
            }
        }
    }
}

/// The square of the distance from the middle, 1 at the edge.
fn squared(place: usize, side: usize) -> f32 {
    let distance = (place as f32 + 0.5) / side as f32 * 2.0 - 1.0;
    distance * distance
}

/// The remaining light, by the square of the distance from the middle, which is 2 in the
/// corners.
fn light(darkness: f32) -> impl Fn(f32) -> u32 {
    const STEPS: usize = 4096;
    const CLEAR: f32 = 0.55;
    const CORNER: f32 = std::f32::consts::SQRT_2;
    let left = |step: usize| {
        let squared = 2.0 * step as f32 / STEPS as f32;
        let dark = smoothstep(CLEAR, CORNER, squared.sqrt());
        ((1.0 - darkness * dark) * WHOLE as f32) as u32
    };
    let table: Vec<_> = (0..=STEPS).map(left).collect();
    move |squared: f32| {
        let step = (squared * (STEPS as f32 / 2.0)) as usize;
        table.get(step).copied().unwrap_or(WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_get_dark_and_the_middle_does_not() {
        let mut pixels = Pixels::new(101, 51, false, vec![200; 101 * 51 * 3]).unwrap();
        apply(&mut pixels, 1.0);
        let at = |x: usize, y: usize| pixels.row(y)[x * 3];
        assert_eq!(at(50, 25), 200);
        assert_eq!(at(40, 25), 200);
        for (x, y) in [(0, 0), (100, 0), (0, 50), (100, 50)] {
            assert!((85..125).contains(&at(x, y)), "{}", at(x, y));
        }
        // Without steps: a row gets darker towards its ends.
        let row: Vec<_> = (50..101).map(|x| at(x, 0)).collect();
        assert!(
            row.windows(2)
                .all(|pair| pair[0] >= pair[1] && pair[0] - pair[1] < 9)
        );
    }
}
