//! Rounded corners, and cropping to a circle: the rest becomes transparent, with a soft
//! edge.

use super::turn;
use crate::pixels::Pixels;
use concept_refinement_vocabulary::Turn;

/// The radius at an amount of 1, as a fraction of the shorter side.
const RADIUS: f32 = 0.14;

pub fn apply(pixels: &mut Pixels, amount: f32) {
    round(pixels, (RADIUS * amount).clamp(0.0, 0.5));
}

/// Keeps a circle in the middle that is as large as possible.
pub fn circle(pixels: &mut Pixels) {
    turn::apply(pixels, Turn::Square);
    round(pixels, 0.5);
}

/// `part`: the radius as a fraction of the shorter side.
fn round(pixels: &mut Pixels, part: f32) {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let radius = width.min(height) as f32 * part;
    if radius <= 0.0 {
        return;
    }
    pixels.add_alpha();
    // How far from the middle of a corner's circle a place lies towards the corner.
    let beyond = |place: usize, side: usize| radius - (place.min(side - 1 - place) as f32 + 0.5);
    for (y, row) in pixels.rows_mut().enumerate() {
        let above = beyond(y, height);
        if above <= 0.0 {
            continue;
        }
        for (x, [.., alpha]) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let aside = beyond(x, width);
            if aside > 0.0 {
                let cover = (radius - aside.hypot(above) + 0.5).clamp(0.0, 1.0);
                *alpha = (f32::from(*alpha) * cover).round() as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::alpha;

    fn rounded(width: u32, height: u32, amount: f32) -> Pixels {
        let length = (width * height * 3) as usize;
        let mut pixels = Pixels::new(width, height, false, vec![90; length]).unwrap();
        apply(&mut pixels, amount);
        pixels
    }

    fn alphas(pixels: &Pixels) -> Vec<u8> {
        pixels.iter().map(alpha).collect()
    }

    #[test]
    fn only_corners_become_transparent() {
        let pixels = rounded(200, 100, 1.0);
        let alphas = alphas(&pixels);
        let at = |x: usize, y: usize| alphas[y * 200 + x];
        for (x, y) in [(0, 0), (199, 0), (0, 99), (199, 99), (2, 2)] {
            assert_eq!(at(x, y), 0, "{x},{y}");
        }
        for (x, y) in [(20, 0), (0, 20), (100, 50), (199, 79), (7, 7)] {
            assert_eq!(at(x, y), 255, "{x},{y}");
        }
        let soft = alphas.iter().filter(|alpha| !matches!(alpha, 0 | 255));
        assert!((20..150).contains(&soft.count()));
        let mirrored: Vec<_> = alphas.rchunks(200).flatten().copied().collect();
        assert_eq!(alphas, mirrored);
    }

    #[test]
    fn a_circle_is_one_in_the_middle_of_any_picture() {
        for (width, height) in [(100, 100), (160, 100), (100, 171), (101, 33), (9, 9)] {
            // Each pixel says where it was.
            let pixel = |place: u32| [(place % width) as u8, (place / width) as u8, 7];
            let data = (0..width * height).flat_map(pixel).collect();
            let mut pixels = Pixels::new(width, height, false, data).unwrap();
            circle(&mut pixels);
            let side = width.min(height);
            assert_eq!((pixels.width(), pixels.height()), (side, side));
            let first = pixels.data()[..2].to_vec();
            let middle = [(width - side) / 2, (height - side) / 2].map(|start| start as u8);
            assert_eq!(first, middle, "{width}×{height}");
            let radius = side as f32 / 2.0;
            for (place, alpha) in alphas(&pixels).into_iter().enumerate() {
                let (x, y) = (place as u32 % side, place as u32 / side);
                let away = |at: u32| at as f32 + 0.5 - radius;
                let inside = radius - away(x).hypot(away(y));
                let expected = (inside + 0.5).clamp(0.0, 1.0) * 255.0;
                assert!(
                    (f32::from(alpha) - expected).abs() <= 1.0,
                    "{x},{y} of {width}×{height}: {alpha}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn the_smallest_images_do_not_vanish() {
        for (width, height) in [(1, 1), (2, 2), (1, 300), (300, 1)] {
            let visible = alphas(&rounded(width, height, 4.0));
            let most = visible.iter().max().unwrap();
            assert!(*most > 190, "{width}×{height}: {visible:?}");
        }
    }
}
