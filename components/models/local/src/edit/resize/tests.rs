use super::*;

fn plain(width: u32, height: u32, pixel: &[u8]) -> Pixels {
    let data = pixel.repeat((width * height) as usize);
    Pixels::new(width, height, pixel.len() == 4, data).unwrap()
}

fn resized(mut pixels: Pixels, width: u32, height: u32) -> Pixels {
    to(&mut pixels, width, height);
    pixels
}

#[test]
fn a_plain_picture_stays_plain_at_any_size() {
    let pixels: [&[u8]; 3] = [&[255, 130, 0], &[9, 200, 77, 255], &[9, 200, 77, 3]];
    for pixel in pixels {
        for (width, height) in [(1, 1), (3, 200), (64, 5), (17, 13), (0, 2)] {
            let expected = plain(width.max(1), height, pixel);
            assert_eq!(resized(plain(17, 13, pixel), width, height), expected);
        }
    }
}

#[test]
fn the_same_size_changes_nothing() {
    let data: Vec<u8> = (0..20 * 9 * 3)
        .map(|value| (value * 37 % 256) as u8)
        .collect();
    let pixels = Pixels::new(20, 9, false, data).unwrap();
    assert_eq!(resized(pixels.clone(), 20, 9), pixels);
}

/// Half of the pixels are white, every second one.
#[test]
fn what_vanishes_is_in_the_mean() {
    let data = (0..64 * 64).flat_map(|place| [255 * (place % 2) as u8; 3]);
    let stripes = Pixels::new(64, 64, false, data.collect()).unwrap();
    let small = resized(stripes, 8, 8);
    assert!(
        small.data().iter().all(|value| (120..=135).contains(value)),
        "{small:?}"
    );
}

#[test]
fn what_is_transparent_does_not_shine_through() {
    let pixel = |place| match place % 16 < 8 {
        true => [200, 40, 30, 255],
        false => [0, 255, 0, 0],
    };
    let pixels = Pixels::new(16, 16, true, (0..256).flat_map(pixel).collect()).unwrap();
    for side in [5, 16, 31] {
        let new = resized(pixels.clone(), side, side);
        let mut visible = new.iter().filter(|pixel| pixel[3] > 0);
        assert!(
            visible.all(|pixel| pixel[..3] == [200, 40, 30]),
            "{side}: {new:?}"
        );
    }
}

#[test]
fn the_bytes_are_always_the_same() {
    let data: Vec<u8> = (0..40 * 31 * 4)
        .map(|value| (value * 37 % 251) as u8)
        .collect();
    let pixels = Pixels::new(40, 31, true, data).unwrap();
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hashes = [(90, 50), (13, 7)].map(|(width, height)| {
        let new = resized(pixels.clone(), width, height);
        new.data().iter().fold(0xcbf2_9ce4_8422_2325, fnv)
    });
    assert_eq!(
        hashes,
        [0x9424_fe20_6b69_a31d, 0xecbf_04fd_05c1_533f],
        "{hashes:#x?}"
    );
}
