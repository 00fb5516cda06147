use super::*;
use crate::pixels::alpha;

/// A dark ring with a white hole, on white; edges are soft by a pixel.
fn ring(side: i32, alpha: bool) -> Pixels {
    let mut data = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let (x, y) = ((x * 2 - side + 1) as f32, (y * 2 - side + 1) as f32);
            let distance = x.hypot(y) / 2.0;
            let thickness = side as f32 * 0.1;
            let cover = (thickness - (distance - side as f32 * 0.3).abs() + 0.5).clamp(0.0, 1.0);
            let noise = ((x as i32 * 7 + y as i32 * 13).rem_euclid(5)) as f32;
            let mix = |ink: f32| 250.0 + noise + (ink - 250.0 - noise) * cover;
            data.extend([60.0, 30.0, 20.0].map(|ink| mix(ink) as u8));
            if alpha {
                data.push(255);
            }
        }
    }
    Pixels::new(side as u32, side as u32, alpha, data).unwrap()
}

fn at(pixels: &Pixels, x: usize, y: usize) -> [u8; 4] {
    pixels.row(y).as_chunks::<4>().0[x]
}

#[test]
fn the_background_goes_and_what_it_encloses_stays() {
    // The larger image has a coarser map.
    for (side, alpha) in [(120, false), (120, true), (2500, false)] {
        let mut pixels = ring(side, alpha);
        apply(&mut pixels, 1.0);
        let side = side as usize;
        let middle = side / 2;
        for (x, y) in [(0, 0), (side - 1, 0), (0, side - 1), (middle, 2)] {
            assert_eq!(at(&pixels, x, y)[3], 0, "{x},{y} of {side}");
        }
        let ink = at(&pixels, middle, side / 5);
        assert!(ink[3] == 255 && ink[0] < 80, "{ink:?}");
        let hole = at(&pixels, middle, middle);
        assert!(hole[3] == 255 && hole[0] > 240, "{hole:?}");
    }
}

#[test]
fn edges_are_soft_and_not_white() {
    let mut pixels = ring(120, false);
    apply(&mut pixels, 1.0);
    let outside = |x: usize, y: usize| (x as f32 - 59.5).hypot(y as f32 - 59.5) > 40.0;
    let mut soft = 0;
    for y in 0..120 {
        for x in (0..120).filter(|x| outside(*x, y)) {
            let [r, _, _, alpha] = at(&pixels, x, y);
            assert!(alpha == 0 || r < 110, "{x},{y}: {r} with {alpha}");
            soft += usize::from(!matches!(alpha, 0 | 255));
        }
    }
    assert!(soft > 100, "{soft}");
}

#[test]
fn the_color_is_the_one_that_most_of_the_border_has() {
    let pixel = |place: usize| match (place % 40, place / 40) {
        (_, 0..4) => [200, 0, 0],
        (x, _) => [10, 100 + (x % 2) as u8 * 14, 50],
    };
    let data = (0..40 * 40).flat_map(pixel).collect();
    let mut pixels = Pixels::new(40, 40, false, data).unwrap();
    assert_eq!(Border::of(&pixels), Border::Colored([10, 107, 50]));
    apply(&mut pixels, 1.0);
    assert_eq!(at(&pixels, 20, 20)[3], 0);
    assert_eq!(at(&pixels, 20, 0), [200, 0, 0, 255]);
}

#[test]
fn what_is_transparent_already_stays_as_it_is() {
    let data = (0..30 * 30).flat_map(|place: usize| {
        let inside = (5..25).contains(&(place % 30)) && (5..25).contains(&(place / 30));
        [9, 9, 9, if inside { 255 } else { 0 }]
    });
    let original = Pixels::new(30, 30, true, data.collect()).unwrap();
    let mut pixels = original.clone();
    let remark = apply(&mut pixels, 1.0);
    assert_eq!(remark, Some(Remark::BackgroundTransparent));
    assert_eq!(pixels, original);
}

/// Of four colours along the border none is the background's.
#[test]
fn a_border_of_many_colors_has_no_background() {
    let colors = [[250; 3], [20; 3], [200, 0, 0], [0, 0, 200]];
    let data = (0..40 * 40).flat_map(|place: usize| colors[place % 40 / 20 + place / 800 * 2]);
    let original = Pixels::new(40, 40, false, data.collect()).unwrap();
    let mut pixels = original.clone();
    let remark = apply(&mut pixels, 1.0);
    assert_eq!(remark, Some(Remark::BackgroundNotFound));
    assert_eq!(pixels, original);
}

#[test]
fn one_color_alone_vanishes_wholly() {
    for (width, height) in [(1, 1), (7, 1), (1, 9), (1, 20_000), (64, 64)] {
        let length = (width * height * 3) as usize;
        let mut pixels = Pixels::new(width, height, false, vec![33; length]).unwrap();
        apply(&mut pixels, 1.0);
        assert!(
            pixels.iter().all(|pixel| alpha(pixel) == 0),
            "{width}×{height}"
        );
    }
}
