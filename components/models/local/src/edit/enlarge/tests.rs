use super::super::resize;
use super::*;
use crate::codec::{self, Format};

fn read(name: &str) -> Pixels {
    let pictures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/pictures/");
    let file = std::fs::read(format!("{pictures}{name}")).unwrap();
    codec::decode(file, Format::Png).unwrap().pixels
}

/// Of each square of four pixels their mean.
fn halved(pixels: &Pixels) -> Pixels {
    let (width, height) = (pixels.width() / 2, pixels.height() / 2);
    let mut data = Vec::new();
    for (y, x) in (0..height as usize).flat_map(|y| (0..width as usize).map(move |x| (y, x))) {
        let rows = [2 * y, 2 * y + 1].map(|y| pixels.row(y).chunks_exact(pixels.channels()));
        let square: Vec<_> = rows
            .into_iter()
            .flat_map(|row| row.skip(2 * x).take(2))
            .collect();
        let sum = |value: &dyn Fn(&[u8]) -> u32| square.iter().copied().map(value).sum::<u32>();
        let weight = sum(&|pixel| alpha(pixel).into());
        let color =
            [0, 1, 2].map(|at| sum(&|pixel| u32::from(pixel[at]) * u32::from(alpha(pixel))));
        data.extend(color.map(|sum| ((sum + weight / 2) / weight.max(1)) as u8));
        data.extend(pixels.has_alpha().then_some(((weight + 2) / 4) as u8));
    }
    Pixels::new(width, height, pixels.has_alpha(), data).unwrap()
}

/// How near two pictures on white are to each other, in decibels.
fn psnr(left: &Pixels, right: &Pixels) -> f64 {
    let on_white = |pixel: &[u8]| {
        let alpha = f64::from(alpha(pixel)) / 255.0;
        rgb(pixel).map(|value| f64::from(value) * alpha + 255.0 * (1.0 - alpha))
    };
    let pairs = left.iter().zip(right.iter());
    let squares = pairs.flat_map(|(left, right)| {
        let pairs = on_white(left).into_iter().zip(on_white(right));
        pairs.map(|(left, right)| (left - right).powi(2))
    });
    let count = f64::from(left.width() * left.height() * 3);
    10.0 * (255.0 * 255.0 * count / squares.sum::<f64>()).log10()
}

/// Halved and enlarged again, by the network and by the filter.
fn restored(name: &str) -> (f64, f64) {
    let original = read(name);
    let mut enlarged = halved(&original);
    let mut filtered = enlarged.clone();
    apply(&mut enlarged, false);
    resize::to(&mut filtered, original.width(), original.height());
    let result = (psnr(&enlarged, &original), psnr(&filtered, &original));
    println!("{name}: {:.2} dB, Lanczos {:.2} dB", result.0, result.1);
    result
}

/// Shapes with sharp and soft edges.
fn picture(width: u32, height: u32, has_alpha: bool) -> Pixels {
    let mut data = Vec::new();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let inside = (x * x + y * y) % 900 < 300;
        data.extend([(x * 3) as u8, if inside { 220 } else { 30 }, (y * 5) as u8]);
        data.extend(has_alpha.then_some(if inside { 255 } else { (x * 2) as u8 }));
    }
    Pixels::new(width, height, has_alpha, data).unwrap()
}

fn enlarged(mut pixels: Pixels, twice: bool) -> Pixels {
    apply(&mut pixels, twice);
    pixels
}

#[test]
fn the_logo_and_the_badge_come_back_sharper_than_by_a_filter() {
    let (logo, _) = restored("logo-before.png");
    assert!(logo >= 42.0, "{logo}");
    let (badge, filtered) = restored("badge-before.png");
    assert!(badge >= filtered + 3.0, "{badge}, {filtered}");
}

/// The same on every platform, and in a component.
#[test]
fn the_bytes_are_always_the_same() {
    for (has_alpha, expected) in [
        (false, 0x51ef_9a23_35e1_8320),
        (true, 0x59bb_5415_614f_048e),
    ] {
        let large = enlarged(picture(37, 23, has_alpha), true);
        let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = large.data().iter().fold(0xcbf2_9ce4_8422_2325, fnv);
        assert_eq!(hash, expected, "{hash:#x}");
    }
}

#[test]
fn tiles_do_not_show() {
    for (width, height) in [(61, 40), (1, 90), (33, 7)] {
        let small = picture(width, height, true);
        let [whole, parts] = [200, 16].map(|side| {
            let data = vec![0; 4 * small.data().len()];
            let mut large = Pixels::new(2 * width, 2 * height, true, data).unwrap();
            tiles::double(&small, &mut large, side);
            large
        });
        assert!(whole == parts, "{width}×{height}");
    }
}

#[test]
fn each_side_is_twice_or_four_times_as_long() {
    for (width, height) in [(1, 1), (1, 5), (7, 3)] {
        for (has_alpha, twice, factor) in [(false, false, 2), (true, true, 4)] {
            let large = enlarged(picture(width, height, has_alpha), twice);
            let size = (width * factor, height * factor);
            assert_eq!((large.width(), large.height()), size);
            assert_eq!(large.has_alpha(), has_alpha);
        }
    }
}

#[test]
fn a_plain_picture_stays_plain() {
    for level in [0, 9, 77, 128, 200, 255] {
        let plain = |side| Pixels::new(side, side, false, vec![level; (side * side * 3) as usize]);
        assert_eq!(enlarged(plain(3).unwrap(), false), plain(6).unwrap());
    }
    for alpha in [0, 255] {
        let plain = Pixels::new(2, 2, true, [7, 60, 90, alpha].repeat(4)).unwrap();
        let large = enlarged(plain, false);
        assert_eq!(large.data(), [7, 60, 90, alpha].repeat(16));
    }
}

#[test]
fn what_is_transparent_does_not_shine_through() {
    let picture = |hidden: [u8; 3]| {
        let pixel = |place| match place % 24 < 12 {
            true => [200, 40, 30, 255],
            false => [hidden[0], hidden[1], hidden[2], 0],
        };
        Pixels::new(24, 24, true, (0..24 * 24).flat_map(pixel).collect()).unwrap()
    };
    let [black, green] = [[0; 3], [0, 255, 0]].map(|hidden| enlarged(picture(hidden), false));
    for (black, green) in black
        .iter()
        .zip(green.iter())
        .filter(|(black, _)| alpha(black) > 0)
    {
        assert_eq!(black, green);
        let pairs = rgb(black).into_iter().zip([200, 40, 30]);
        let shift = pairs.map(|(value, was): (u8, u8)| value.abs_diff(was));
        assert!(shift.max() <= Some(2), "{black:?}");
    }
}

#[test]
fn the_result_has_sixteen_megapixels_at_most() {
    let cases = [
        ((2000, 2000, 2), true),
        ((2000, 2001, 2), false),
        ((1000, 1000, 4), true),
        ((1001, 1000, 4), false),
        ((u32::MAX, u32::MAX, 4), false),
        ((u32::MAX, u32::MAX, u32::MAX), false),
    ];
    for ((width, height, factor), expected) in cases {
        assert_eq!(
            fits(width, height, factor),
            expected,
            "{width}×{height}×{factor}"
        );
    }
}
