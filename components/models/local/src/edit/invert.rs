//! Invert: each channel becomes its opposite, as on a film negative. Alpha is unchanged.

use crate::pixels::Pixels;

/// `presence` goes from 0 (unchanged) to 1 (a negative).
pub fn apply(pixels: &mut Pixels, presence: f32) {
    let mut table = [0; 256];
    for (value, place) in (0..=u8::MAX).zip(&mut table) {
        let (old, opposite) = (f32::from(value), f32::from(u8::MAX - value));
        *place = (old + (opposite - old) * presence).round() as u8;
    }
    for pixel in pixels.iter_mut() {
        for value in pixel.iter_mut().take(3) {
            *value = table.get(usize::from(*value)).copied().unwrap_or(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_of_a_negative_is_the_picture() {
        let data = (0..=255_u8).flat_map(|level| [level, 7, 200, 99]);
        let original = Pixels::new(256, 1, true, data.collect()).unwrap();
        let mut pixels = original.clone();
        apply(&mut pixels, 1.0);
        assert_eq!(pixels.data()[100 * 4..][..4], [155, 248, 55, 99]);
        apply(&mut pixels, 1.0);
        assert_eq!(pixels, original);
        apply(&mut pixels, 0.0);
        assert_eq!(pixels, original);
    }
}
