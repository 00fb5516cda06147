mod animated;
mod colors;
mod ends;
mod matrix;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use proptest::prelude::*;

use super::encoding::encoded;
use super::*;

const FORMATS: [Format; 4] = [Format::Png, Format::Jpeg, Format::Webp, Format::Gif];

/// 24 × 16; the left upper corner is red, the rest goes from grey to blue.
fn sample() -> Pixels {
    let pixel = |place: u32| {
        let (x, y) = (place % 24, place / 24);
        if x < 8 && y < 8 {
            [200, 30, 30]
        } else {
            [100, 100, 100 + (x * 6) as u8]
        }
    };
    Pixels::new(24, 16, false, (0..24 * 16).flat_map(pixel).collect()).unwrap()
}

fn file(format: Format) -> Vec<u8> {
    file_with(&sample(), format)
}

/// A file of that format with these pixels.
pub fn file_with(pixels: &Pixels, format: Format) -> Vec<u8> {
    if format == Format::Gif {
        let color = if pixels.has_alpha() {
            ExtendedColorType::Rgba8
        } else {
            ExtendedColorType::Rgb8
        };
        let mut file = Vec::new();
        image::codecs::gif::GifEncoder::new(&mut file)
            .encode(pixels.data(), pixels.width(), pixels.height(), color)
            .unwrap();
        return file;
    }
    encoded(pixels, format).unwrap()
}

fn file_of(data: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(data, width, height, color)
        .unwrap();
    file
}

/// With a segment of EXIF after the start: an orientation, and a place.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(b"II*\0\x08\0\0\0");
    exif.extend(b"\x02\0"); // two entries
    exif.extend(b"\x12\x01\x03\0\x01\0\0\0"); // orientation, a short
    exif.extend([orientation, 0, 0, 0]);
    exif.extend(b"\x25\x88\x04\0\x01\0\0\0\x26\0\0\0"); // GPS, at 38
    exif.extend(b"\0\0\0\0"); // no next directory
    exif.extend(b"\x01\0"); // one entry
    exif.extend(b"\x1D\0\x02\0\x0B\0\0\0\x38\0\0\0"); // date, at 56
    exif.extend(b"\0\0\0\0");
    exif.extend(b"1999:12:31\0");
    let (start, rest) = jpeg.split_at(2);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [start, &[0xFF, 0xE1], &length, &exif, rest].concat()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn pixel(pixels: &Pixels, x: usize, y: usize) -> [u8; 3] {
    crate::pixels::rgb(&pixels.row(y)[x * pixels.channels()..])
}

#[test]
fn what_is_written_is_what_was_read() {
    for format in FORMATS {
        let image = decode(file(format), format).unwrap();
        let (bytes, written) = encode(&image.pixels, format).unwrap();
        let expected = if format == Format::Gif {
            Format::Png
        } else {
            format
        };
        assert_eq!(written, expected);
        let again = decode(bytes, written).unwrap().pixels;
        let form = (again.width(), again.height(), again.has_alpha());
        assert_eq!(form, (24, 16, false));
        let worst = sample()
            .data()
            .iter()
            .zip(again.data())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        let allowed = if format == Format::Jpeg { 60 } else { 4 };
        assert!(worst.unwrap() <= allowed, "{format:?}: {worst:?}");
    }
}

#[test]
fn every_kind_of_png_becomes_eight_bits() {
    let wide = |values: &[u16]| {
        values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect()
    };
    let opaque = vec![1, 2, 3, 255, 4, 5, 6, 255];
    let (one_to_six, seen) = ([1, 2, 3, 4, 5, 6], [1, 2, 3, 9, 4, 5, 6, 255]);
    let wide_rgb = wide(&[257, 514, 771, 385, 65535, 128]);
    let wide_rgba = wide(&[257, 514, 771, 257, 257, 514, 771, 65535]);
    let grey = [9, 9, 9, 0, 8, 8, 8, 255];
    use ExtendedColorType as Type;
    let cases: &[(&str, Vec<u8>, Type, &[u8])] = &[
        ("grey", vec![0, 200], Type::L8, &[0, 0, 0, 200, 200, 200]),
        ("grey, alpha", vec![9, 0, 8, 255], Type::La8, &grey),
        ("colour", one_to_six.to_vec(), Type::Rgb8, &one_to_six),
        ("alpha", seen.to_vec(), Type::Rgba8, &seen),
        ("no alpha to see", opaque, Type::Rgba8, &one_to_six),
        (
            "wide grey",
            wide(&[0, 65535]),
            Type::L16,
            &[0, 0, 0, 255, 255, 255],
        ),
        ("wide colour", wide_rgb, Type::Rgb16, &[1, 2, 3, 1, 255, 0]),
        (
            "wide alpha",
            wide_rgba,
            Type::Rgba16,
            &[1, 2, 3, 1, 1, 2, 3, 255],
        ),
    ];
    for (name, data, color, expected) in cases {
        let image = decode(file_of(data, 2, 1, *color), Format::Png).unwrap();
        assert_eq!(image.pixels.data(), *expected, "{name}");
        assert_eq!(image.pixels.has_alpha(), expected.len() == 8, "{name}");
        let remarks: &[Remark] = match name.starts_with("wide") {
            true => &[Remark::EightBits],
            false => &[],
        };
        assert_eq!(image.remarks, remarks, "{name}");
    }
}

#[test]
fn alpha_survives_png_and_webp() {
    let data: Vec<u8> = (0..64_u8)
        .flat_map(|value| [value, 100, 200, value * 4])
        .collect();
    let pixels = Pixels::new(8, 8, true, data).unwrap();
    for format in [Format::Png, Format::Webp, Format::Gif] {
        let (bytes, written) = encode(&pixels, format).unwrap();
        assert_eq!(decode(bytes, written).unwrap().pixels, pixels, "{format:?}");
    }
}

#[test]
fn photographs_are_turned_upright() {
    // Where the red corner is to be found, and whether the sides change.
    let cases = [
        (1, (3, 3), false),
        (2, (20, 3), false),
        (3, (20, 12), false),
        (4, (3, 12), false),
        (5, (3, 3), true),
        (6, (12, 3), true),
        (7, (12, 20), true),
        (8, (3, 20), true),
    ];
    for (orientation, (x, y), turned) in cases {
        let file = with_exif(&file(Format::Jpeg), orientation);
        let pixels = decode(file, Format::Jpeg).unwrap().pixels;
        let size = if turned { (16, 24) } else { (24, 16) };
        assert_eq!((pixels.width(), pixels.height()), size, "{orientation}");
        let [r, g, b] = pixel(&pixels, x, y);
        assert!(r > 150 && g < 80 && b < 80, "{orientation}: {r} {g} {b}");
    }
}

#[test]
fn the_place_where_a_photograph_was_taken_is_dropped() {
    let original = with_exif(&file(Format::Jpeg), 6);
    assert!(contains(&original, b"Exif") && contains(&original, b"1999:12:31"));
    let turned = decode(original, Format::Jpeg).unwrap();
    let (written, _) = encode(&turned.pixels, Format::Jpeg).unwrap();
    for trace in [b"Exif".as_slice(), b"1999:12:31", b"GPS", &[0xFF, 0xE1]] {
        assert!(!contains(&written, trace), "{trace:?}");
    }
}

#[test]
fn what_gets_too_large_becomes_a_jpeg_where_it_can() {
    // Noise, which nothing makes smaller.
    let noise = |alpha: bool| {
        let (side, channels) = if alpha { (3640, 4) } else { (4200, 3) };
        let mut state = 1_u32;
        let data = (0..side * side * channels).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        Pixels::new(side, side, alpha, data.collect()).unwrap()
    };
    let (file, format) = encode(&noise(false), Format::Png).unwrap();
    assert_eq!(format, Format::Jpeg);
    assert!(file.len() <= MAX_ENCODED);
    let refused = encode(&noise(true), Format::Png).err();
    assert_eq!(refused, Some(Problem::ResultTooLarge));
}

#[test]
fn huge_sizes_are_refused_by_the_header() {
    let mut png = file(Format::Png);
    png[16..20].copy_from_slice(&50_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&50_000_u32.to_be_bytes());
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());

    let mut jpeg = file(Format::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);

    let mut gif = file(Format::Gif);
    gif[6..10].copy_from_slice(&[0xFF; 4]);

    let mut webp = file(Format::Webp);
    assert_eq!(&webp[12..16], b"VP8L");
    // 14 bits each of width and height less one.
    webp[21..25].copy_from_slice(&0x0FFF_BFFE_u32.to_le_bytes());

    for (file, format) in [
        (png, Format::Png),
        (jpeg, Format::Jpeg),
        (gif, Format::Gif),
        (webp, Format::Webp),
    ] {
        let refused = decode(file, format).err();
        assert_eq!(refused, Some(Problem::TooLarge), "{format:?}");
    }
}

/// As PNG's chunks have it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

/// Its end within the headers is not the picture's.
#[test]
fn a_thumbnail_is_not_the_picture() {
    let mut jpeg = with_exif(&file(Format::Jpeg), 1);
    let date = jpeg.windows(4).position(|bytes| bytes == b"1999").unwrap();
    jpeg[date..date + 2].copy_from_slice(&[0xFF, 0xD9]);
    let pixels = decode(jpeg, Format::Jpeg).unwrap().pixels;
    assert_eq!((pixels.width(), pixels.height()), (24, 16));
}

#[test]
fn a_file_of_another_format_is_refused() {
    for format in FORMATS {
        for other in FORMATS.into_iter().filter(|other| *other != format) {
            let decoded = decode(file(other), format);
            assert!(decoded.is_err(), "{other:?} as {format:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn damaged_files_do_no_harm(
        format in proptest::sample::select(&FORMATS),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut file = file(format);
        for (place, value) in changes {
            let place = place.index(file.len());
            file[place] = value;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        if let Ok(image) = decode(file, format) {
            let size = u64::from(image.pixels.width()) * u64::from(image.pixels.height());
            prop_assert!(size <= MAX_PIXELS);
        }
    }
}
