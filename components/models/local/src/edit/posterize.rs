//! Posterize: few levels of lightness, and few levels of chroma, so that hues are kept
//! and greys stay grey.

use crate::pixels::{Pixels, luma, rgb};

/// An amount of 1 leaves five levels of lightness, larger amounts leave fewer.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    const LEVELS: f32 = 5.0;
    /// Chroma has this many times as many levels as lightness.
    const FINER: f32 = 2.2;
    let step = 255.0 / ((LEVELS / amount).round().clamp(2.0, 256.0) - 1.0);
    let lightness = |luma: u8| (nearest(f32::from(luma), step)) as i16;
    let lightness: Vec<_> = (0..=u8::MAX).map(lightness).collect();
    let colors: Vec<_> = (0..=255_u8)
        .map(|apart| nearest(f32::from(apart), step / FINER) as i16)
        .collect();
    for pixel in pixels.iter_mut() {
        let luma = luma(rgb(pixel));
        let at = |table: &[i16], place: u16| table.get(usize::from(place)).copied();
        let level = at(&lightness, luma.into()).unwrap_or_default();
        for value in pixel.iter_mut().take(3) {
            let apart = i16::from(*value) - i16::from(luma);
            let color = at(&colors, apart.unsigned_abs()).unwrap_or_default() * apart.signum();
            *value = (level + color).clamp(0, 255) as u8;
        }
    }
}

fn nearest(value: f32, step: f32) -> f32 {
    ((value / step).round() * step).round()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_stay_grey_in_as_many_levels_as_were_asked_for() {
        for (amount, count) in [(0.0, 256), (0.5, 10), (1.0, 5), (2.0, 3), (9.0, 2)] {
            let data = (0..=255_u8).flat_map(|level| [level, level, level, 99]);
            let mut pixels = Pixels::new(256, 1, true, data.collect()).unwrap();
            apply(&mut pixels, amount);
            let mut levels: Vec<_> = pixels.iter().map(<[u8]>::to_vec).collect();
            assert!(
                levels
                    .iter()
                    .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2] && pixel[3] == 99)
            );
            levels.dedup();
            assert_eq!(levels.len(), count, "{amount}: {levels:?}");
            assert_eq!((levels[0][0], levels[count - 1][0]), (0, 255), "{amount}");
        }
    }

    #[test]
    fn a_brown_stays_a_brown() {
        let mut pixels = Pixels::new(1, 1, false, vec![110, 66, 40]).unwrap();
        apply(&mut pixels, 1.0);
        let [r, g, b] = crate::pixels::rgb(pixels.data());
        assert!(r > g && g > b && r.abs_diff(110) < 40, "{r} {g} {b}");
    }
}
