//! A named colour becomes transparent, wherever it is.

use super::recolor::closeness;
use crate::color;
use crate::notes::Remark;
use crate::pixels::{Pixels, alpha, rgb};

/// Returns the reason if nothing was changed.
pub fn apply(pixels: &mut Pixels, named: u32, presence: f32) -> Option<Remark> {
    let aim = color::from_hex(named);
    let mut left =
        color::once(|color| 1.0 - presence * closeness(color::polar(color::from_srgb(color)), aim));
    if pixels
        .iter()
        .all(|pixel| alpha(pixel) == 0 || left(rgb(pixel)) >= 1.0)
    {
        return Some(Remark::Absent(named));
    }
    pixels.add_alpha();
    for pixel in pixels.iter_mut() {
        let left = left(rgb(pixel));
        if let [.., alpha] = pixel {
            *alpha = (f32::from(*alpha) * left).round() as u8;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_alone_becomes_transparent() {
        const RED: u32 = 0xD62828;
        let data = [[210, 30, 40], [30, 90, 200], [255; 3], [128; 3]].concat();
        let original = Pixels::new(4, 1, false, data).unwrap();
        let opaque = |named, presence| {
            let mut pixels = original.clone();
            assert_eq!(apply(&mut pixels, named, presence), None);
            pixels.iter().map(alpha).collect::<Vec<_>>()
        };
        assert_eq!(opaque(RED, 1.0), [0, 255, 255, 255]);
        assert_eq!(opaque(RED, 0.5), [128, 255, 255, 255]);
        assert_eq!(opaque(0xFFFFFF, 1.0), [255, 255, 0, 255]);
        assert_eq!(opaque(0x808080, 1.0), [255, 255, 255, 0]);
        let mut pixels = original.clone();
        let green = 0x2E8B4A;
        assert_eq!(apply(&mut pixels, green, 1.0), Some(Remark::Absent(green)));
        assert_eq!(pixels, original);
    }
}
