//! Rounded corners: what lies beyond them is transparent, with a soft edge.

use crate::pixels::Pixels;

/// The radius at an amount of 1, of the shorter side.
const RADIUS: f32 = 0.14;

pub fn apply(pixels: &mut Pixels, amount: f32) {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let side = width.min(height) as f32;
    let radius = side * (RADIUS * amount).clamp(0.0, 0.5);
    if radius <= 0.0 {
        return;
    }
    pixels.add_alpha();
    let extent = (radius.ceil() as usize).min(width);
    for (y, row) in pixels.rows_mut().enumerate() {
        // How far inside the circle's middle the row lies.
        let beyond = radius - (y.min(height - 1 - y) as f32 + 0.5);
        if beyond <= 0.0 {
            continue;
        }
        let (row, _) = row.as_chunks_mut::<4>();
        for x in 0..extent.min(width.div_ceil(2)) {
            let aside = radius - (x as f32 + 0.5);
            if aside <= 0.0 {
                break;
            }
            let cover = (radius - aside.hypot(beyond) + 0.5).clamp(0.0, 1.0);
            let mirrored = width - 1 - x;
            fade(row.get_mut(x), cover);
            if mirrored != x {
                fade(row.get_mut(mirrored), cover);
            }
        }
    }
}

fn fade(pixel: Option<&mut [u8; 4]>, cover: f32) {
    if let Some([.., alpha]) = pixel {
        *alpha = (f32::from(*alpha) * cover).round() as u8;
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
    fn a_square_as_round_as_can_be_is_a_circle() {
        let inside: u32 = alphas(&rounded(100, 100, 4.0))
            .into_iter()
            .map(u32::from)
            .sum();
        let area = inside as f32 / 255.0 / (100.0 * 100.0);
        assert!((area - std::f32::consts::FRAC_PI_4).abs() < 0.01, "{area}");
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
