//! Colours are those that a screen shows, wherever the file says which they are.

use image::codecs::jpeg::JpegEncoder;
use moxcms::{ColorProfile, DataColorSpace, ToneReprCurve};

use super::*;

type Chunks<'a> = &'a [(&'a [u8; 4], &'a [u8])];

/// Some colours in a row.
const COLORS: [[u8; 3]; 6] = [
    [205, 160, 46],
    [32, 58, 112],
    [128, 128, 128],
    [10, 20, 30],
    [255, 255, 255],
    [0, 0, 0],
];

fn data() -> Vec<u8> {
    COLORS.as_flattened().to_vec()
}

/// A PNG of the colours, with these chunks before its data.
fn png_with(chunks: &[(&[u8; 4], &[u8])], depth: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut info = png::Info::with_size(COLORS.len() as u32, 1);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::from_u8(depth).unwrap();
    let mut writer = png::Encoder::with_info(&mut file, info)
        .unwrap()
        .write_header()
        .unwrap();
    for (name, contents) in chunks {
        writer
            .write_chunk(png::chunk::ChunkType(**name), contents)
            .unwrap();
    }
    let data = match depth {
        16 => data().iter().flat_map(|value| [*value; 2]).collect(),
        _ => data(),
    };
    writer.write_image_data(&data).unwrap();
    drop(writer);
    file
}

/// By the formula of sRGB.
fn from_linear(light: f64) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let value = if light <= 0.003_130_8 {
        12.92 * light
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    (value * 255.0).round() as u8
}

fn to_linear(value: f64) -> f64 {
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn near(found: &[u8], expected: &[u8], most: u8, name: &str) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let worst = found
        .iter()
        .zip(expected)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap();
    assert!(worst <= most, "{name}: {found:?} {expected:?}");
}

/// Light of a colour in Display P3 as light in sRGB.
fn of_p3([r, g, b]: [f64; 3]) -> [f64; 3] {
    [
        1.224_94 * r - 0.224_94 * g,
        -0.042_06 * r + 1.042_06 * g,
        -0.019_64 * r - 0.078_64 * g + 1.098_27 * b,
    ]
}

#[test]
fn the_chunks_of_a_png_say_its_colours() {
    let gamma = |value: u32| value.to_be_bytes();
    let srgb_points = [
        31_270_u32, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000,
    ];
    let p3_points = [
        31_270_u32, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000,
    ];
    let (srgb_points, p3_points) = [srgb_points, p3_points]
        .map(|points| points.map(u32::to_be_bytes).concat())
        .into();
    let by_gamma = |exponent: f64| {
        let light = |value: &u8| from_linear((f64::from(*value) / 255.0).powf(exponent));
        data().iter().map(light).collect::<Vec<u8>>()
    };
    let by_p3 = |curve: fn(f64) -> f64| {
        let all = COLORS.map(|color| of_p3(color.map(|value| curve(f64::from(value) / 255.0))));
        all.iter()
            .flatten()
            .map(|light| from_linear(*light))
            .collect::<Vec<u8>>()
    };
    let power = |value: f64| value.powf(2.0);
    let cases: &[(&str, Chunks, Vec<u8>)] = &[
        ("nothing", &[], data()),
        ("sRGB", &[(b"sRGB", &[0])], data()),
        (
            "sRGB before a gamma",
            &[(b"sRGB", &[0]), (b"gAMA", &gamma(100_000))],
            data(),
        ),
        ("a gamma as sRGB has", &[(b"gAMA", &gamma(45_455))], data()),
        (
            "its colours too",
            &[(b"gAMA", &gamma(45_455)), (b"cHRM", &srgb_points)],
            data(),
        ),
        ("linear", &[(b"gAMA", &gamma(100_000))], by_gamma(1.0)),
        ("an old gamma", &[(b"gAMA", &gamma(55_556))], by_gamma(1.8)),
        ("colours", &[(b"cHRM", &p3_points)], by_p3(to_linear)),
        (
            "both",
            &[(b"gAMA", &gamma(50_000)), (b"cHRM", &p3_points)],
            by_p3(power),
        ),
        (
            "code points",
            &[(b"cICP", &[12, 13, 0, 1])],
            by_p3(to_linear),
        ),
        (
            "the same before a gamma",
            &[(b"cICP", &[12, 13, 0, 1]), (b"gAMA", &gamma(100_000))],
            by_p3(to_linear),
        ),
        ("unknown code points", &[(b"cICP", &[2, 2, 0, 1])], data()),
        ("no gamma at all", &[(b"gAMA", &gamma(0))], data()),
        ("no colours at all", &[(b"cHRM", &[0; 32])], data()),
    ];
    for (name, chunks, expected) in cases {
        for depth in [8, 16] {
            let image = decode(png_with(chunks, depth), Format::Png).unwrap();
            near(
                image.pixels.data(),
                expected,
                2,
                &format!("{name}, {depth} bits"),
            );
        }
    }
}

fn with_profile(format: Format, color: ExtendedColorType, data: &[u8], profile: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let width = data.len() as u32 / (u32::from(color.bits_per_pixel()) / 8);
    let profile = profile.to_vec();
    match format {
        Format::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(&mut file, 100);
            encoder.set_icc_profile(profile).unwrap();
            encoder.write_image(data, width, 1, color).unwrap();
        }
        Format::Webp => {
            let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
            encoder.set_icc_profile(profile).unwrap();
            encoder.write_image(data, width, 1, color).unwrap();
        }
        _ => {
            let mut encoder = PngEncoder::new(&mut file);
            encoder.set_icc_profile(profile).unwrap();
            encoder.write_image(data, width, 1, color).unwrap();
        }
    }
    file
}

#[test]
fn the_profile_says_which_colours_these_are() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let grey = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let expected: Vec<u8> = COLORS
        .map(|color| of_p3(color.map(|value| to_linear(f64::from(value) / 255.0))))
        .iter()
        .flatten()
        .map(|light| from_linear(*light))
        .collect();
    for format in [Format::Png, Format::Webp] {
        let file = with_profile(format, ExtendedColorType::Rgb8, &data(), &p3);
        near(
            decode(file, format).unwrap().pixels.data(),
            &expected,
            2,
            "P3",
        );
        let file = with_profile(format, ExtendedColorType::Rgb8, &data(), &srgb);
        assert_eq!(
            decode(file, format).unwrap().pixels.data(),
            data(),
            "sRGB to the bit"
        );
        // A profile for grey does not say what colours are.
        let file = with_profile(format, ExtendedColorType::Rgb8, &data(), &grey);
        assert_eq!(decode(file, format).unwrap().pixels.data(), data());
    }
    for format in [Format::Png, Format::Jpeg] {
        let levels = [200_u8; 64];
        let file = with_profile(format, ExtendedColorType::L8, &levels, &grey);
        let expected = [from_linear(200.0 / 255.0); 64 * 3];
        near(
            decode(file, format).unwrap().pixels.data(),
            &expected,
            2,
            "grey",
        );
    }
    let blank = [[205, 160, 46]; 64];
    let file = with_profile(
        Format::Jpeg,
        ExtendedColorType::Rgb8,
        blank.as_flattened(),
        &p3,
    );
    near(
        &decode(file, Format::Jpeg).unwrap().pixels.data()[..3],
        &expected[..3],
        3,
        "JPEG",
    );
}

#[test]
fn a_profile_that_cannot_be_used_is_told() {
    for profile in [b"no profile".to_vec(), vec![7; 5 << 20]] {
        let file = with_profile(Format::Png, ExtendedColorType::Rgb8, &data(), &profile);
        let image = decode(file, Format::Png).unwrap();
        assert_eq!(image.remarks, [Remark::ProfileUnused]);
        assert_eq!(image.pixels.data(), data());
    }
}

#[test]
fn what_is_written_is_srgb() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    for format in [Format::Png, Format::Jpeg, Format::Webp] {
        let file = with_profile(format, ExtendedColorType::Rgb8, &data(), &p3);
        let image = decode(file, format).unwrap();
        let pixels = image.pixels.data().to_vec();
        let (written, format) = encode(image, format).unwrap();
        let again = decode(written, format).unwrap();
        assert_eq!(again.remarks, []);
        if format != Format::Jpeg {
            assert_eq!(again.pixels.data(), pixels, "{format:?}");
        }
    }
}

/// A JPEG of four components has ink, inverted, as Photoshop writes it.
#[test]
fn ink_is_shown_by_its_profile_or_plainly() {
    use concept_refinement_samples::jpeg::{Jpeg, Scan};
    let jpeg = Jpeg {
        size: (8, 8),
        samplings: vec![(1, 1); 4],
        restart: 0,
        progressive: false,
        scans: vec![Scan::whole(&[0, 1, 2, 3])],
    };
    let stored = [55.0, 155.0, 205.0, 235.0];
    let file = jpeg.file(&|component, _, _| stored[component]);
    let plain: Vec<u8> = stored[..3]
        .iter()
        .map(|value| (value * stored[3] / 255.0).round() as u8)
        .collect();
    let image = decode(file.clone(), Format::Jpeg).unwrap();
    near(&image.pixels.data()[..3], &plain, 3, "plain");

    // A profile for other samples is not one for ink.
    let mut other = ColorProfile::new_srgb();
    other.red_trc = Some(ToneReprCurve::Parametric(vec![1.0]));
    assert_eq!(other.color_space, DataColorSpace::Rgb);
    let icc = [
        b"ICC_PROFILE\0\x01\x01".as_slice(),
        &other.encode().unwrap(),
    ]
    .concat();
    let length = (icc.len() as u16 + 2).to_be_bytes();
    let file = [&file[..2], &[0xff, 0xe2], &length, &icc, &file[2..]].concat();
    let image = decode(file, Format::Jpeg).unwrap();
    near(&image.pixels.data()[..3], &plain, 3, "a profile for RGB");
}
