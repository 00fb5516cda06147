//! Rotates, mirrors and crops: pixels change their places, and no pixel its
//! colour.

use crate::pixels::Pixels;
use crate::vocabulary::Turn;

pub fn apply(pixels: &mut Pixels, turn: Turn) {
    if pixels.has_alpha() {
        of::<4>(pixels, turn);
    } else {
        of::<3>(pixels, turn);
    }
}

fn of<const N: usize>(pixels: &mut Pixels, turn: Turn) {
    match turn {
        Turn::Right => quarter::<N>(pixels, true),
        Turn::Left => quarter::<N>(pixels, false),
        Turn::Half => pixels.data_mut().as_chunks_mut::<N>().0.reverse(),
        Turn::Mirror => {
            for row in pixels.rows_mut() {
                row.as_chunks_mut::<N>().0.reverse();
            }
        }
        Turn::Flip => flip(pixels),
        Turn::Square => square(pixels),
    }
}

fn flip(pixels: &mut Pixels) {
    let length = pixels.width() as usize * pixels.channels();
    let half = pixels.height() as usize / 2 * length;
    let (upper, rest) = pixels.data_mut().split_at_mut(half);
    let lower = rest.rchunks_exact_mut(length);
    for (above, below) in upper.chunks_exact_mut(length).zip(lower) {
        above.swap_with_slice(below);
    }
}

fn square(pixels: &mut Pixels) {
    let (width, height) = (pixels.width(), pixels.height());
    let side = width.min(height);
    pixels.crop((width - side) / 2, (height - side) / 2, side, side);
}

/// By 90°. In place that would take a time that grows faster than the image,
/// so that this holds a second copy for a moment.
fn quarter<const N: usize>(pixels: &mut Pixels, clockwise: bool) {
    /// Rows that become columns at once: few enough for the caches.
    const BAND: usize = 16;
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let mut turned = vec![0; pixels.data().len()];
    for start in (0..height).step_by(BAND) {
        let rows: Vec<_> = (start..height.min(start + BAND))
            .map(|y| pixels.row(y).as_chunks::<N>().0)
            .collect();
        // Upwards on the left of a row is rightwards on its top.
        let left = if clockwise {
            height - start - rows.len()
        } else {
            start
        };
        for (x, row) in turned.chunks_exact_mut(height * N).enumerate() {
            let x = if clockwise { x } else { width - 1 - x };
            let places = row.as_chunks_mut::<N>().0.iter_mut().skip(left);
            let column = rows.iter().filter_map(|row| row.get(x));
            if clockwise {
                places.zip(column.rev()).for_each(|(to, from)| *to = *from);
            } else {
                places.zip(column).for_each(|(to, from)| *to = *from);
            }
        }
    }
    if let Some(turned) = Pixels::new(height as u32, width as u32, N == 4, turned) {
        *pixels = turned;
    }
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
