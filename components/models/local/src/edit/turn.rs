//! Rotates, mirrors and crops: pixels move, but no colour changes.

use concept_refinement_raster::Orientation;
use concept_refinement_vocabulary::Turn;

use super::size;
use crate::pixels::Pixels;

pub fn apply(pixels: &mut Pixels, turn: Turn) {
    pixels.orient(match turn {
        Turn::Right => Orientation::Rotate90,
        Turn::Left => Orientation::Rotate270,
        Turn::Half => Orientation::Rotate180,
        Turn::Mirror => Orientation::FlipHorizontal,
        Turn::Flip => Orientation::FlipVertical,
        Turn::Square => return size::crop(pixels, 1, 1),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pixel a number of its own, row by row.
    fn numbered(width: u32, height: u32, alpha: bool) -> Pixels {
        let channels = if alpha { 4 } else { 3 };
        let numbers = (0..width * height)
            .flat_map(|n| [n as u8, (n >> 8) as u8, 7, 9].into_iter().take(channels));
        Pixels::new(width, height, alpha, numbers.collect()).unwrap()
    }

    fn numbers(pixels: &Pixels) -> Vec<u16> {
        pixels
            .iter()
            .map(|pixel| u16::from_le_bytes([pixel[0], pixel[1]]))
            .collect()
    }

    #[test]
    fn pixels_go_where_they_belong() {
        let cases: &[(Turn, (u32, u32), &[u16])] = &[
            (Turn::Right, (2, 3), &[3, 0, 4, 1, 5, 2]),
            (Turn::Left, (2, 3), &[2, 5, 1, 4, 0, 3]),
            (Turn::Half, (3, 2), &[5, 4, 3, 2, 1, 0]),
            (Turn::Mirror, (3, 2), &[2, 1, 0, 5, 4, 3]),
            (Turn::Flip, (3, 2), &[3, 4, 5, 0, 1, 2]),
            (Turn::Square, (2, 2), &[0, 1, 3, 4]),
        ];
        for alpha in [false, true] {
            for (turn, size, expected) in cases {
                let mut pixels = numbered(3, 2, alpha);
                apply(&mut pixels, *turn);
                assert_eq!((pixels.width(), pixels.height()), *size, "{turn:?}");
                assert_eq!(numbers(&pixels), *expected, "{turn:?}");
            }
        }
    }

    #[test]
    fn what_is_turned_back_is_as_it_was() {
        let pairs = [
            [Turn::Right, Turn::Left],
            [Turn::Left, Turn::Right],
            [Turn::Half, Turn::Half],
            [Turn::Mirror, Turn::Mirror],
            [Turn::Flip, Turn::Flip],
        ];
        for (width, height) in [(1, 1), (1, 50), (50, 1), (37, 41), (16, 32), (33, 17)] {
            let original = numbered(width, height, false);
            for pair in pairs {
                let mut pixels = original.clone();
                pair.into_iter().for_each(|turn| apply(&mut pixels, turn));
                assert_eq!(pixels, original, "{pair:?} of {width}×{height}");
            }
            let (mut half, mut quarters) = (original.clone(), original);
            apply(&mut half, Turn::Half);
            apply(&mut quarters, Turn::Right);
            apply(&mut quarters, Turn::Right);
            assert_eq!(half, quarters, "{width}×{height}");
        }
    }
}
