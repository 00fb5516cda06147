//! Colours are those that a screen shows, wherever the file says which they are.

use concept_refinement_samples::icc;
use concept_refinement_samples::jpeg::{Jpeg, Scan};
use image::codecs::jpeg::JpegEncoder;
use moxcms::ColorProfile;

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

fn decoded(file: Vec<u8>, format: Format) -> Vec<u8> {
    decode(file, format).unwrap().pixels.data().to_vec()
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
    let white_and = |points: [u32; 6]| {
        let points = [&[31_270, 32_900][..], &points].concat();
        points
            .into_iter()
            .flat_map(u32::to_be_bytes)
            .collect::<Vec<u8>>()
    };
    let srgb_points = white_and([64_000, 33_000, 30_000, 60_000, 15_000, 6_000]);
    let p3_points = white_and([68_000, 32_000, 26_500, 69_000, 15_000, 6_000]);
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
    let gammas = [100_000, 50_000, 45_455].map(gamma);
    let [linear, squared, usual] = [0, 1, 2].map(|at| (b"gAMA", &gammas[at][..]));
    let points: (&[u8; 4], &[u8]) = (b"cICP", &[12, 13, 0, 1]);
    let cases: &[(&str, Chunks, Vec<u8>)] = &[
        ("nothing", &[], data()),
        ("sRGB", &[(b"sRGB", &[0])], data()),
        ("sRGB before a gamma", &[(b"sRGB", &[0]), linear], data()),
        ("a gamma as sRGB has", &[usual], data()),
        ("its colours too", &[usual, (b"cHRM", &srgb_points)], data()),
        ("linear", &[linear], by_gamma(1.0)),
        ("an old gamma", &[(b"gAMA", &gamma(55_556))], by_gamma(1.8)),
        ("colours", &[(b"cHRM", &p3_points)], by_p3(to_linear)),
        ("both", &[squared, (b"cHRM", &p3_points)], by_p3(power)),
        ("code points", &[points], by_p3(to_linear)),
        ("they before a gamma", &[points, linear], by_p3(to_linear)),
        ("unknown code points", &[(b"cICP", &[2, 2, 0, 1])], data()),
        ("no gamma at all", &[(b"gAMA", &gamma(0))], data()),
        ("no colours at all", &[(b"cHRM", &[0; 32])], data()),
    ];
    for (name, chunks, expected) in cases {
        for depth in [8, 16] {
            let found = decoded(png_with(chunks, depth), Format::Png);
            near(&found, expected, 2, &format!("{name}, {depth} bits"));
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
        near(&decoded(file, format), &expected, 2, "P3");
        let file = with_profile(format, ExtendedColorType::Rgb8, &data(), &srgb);
        assert_eq!(decoded(file, format), data(), "sRGB to the bit");
        // A profile for grey does not say what colours are.
        let file = with_profile(format, ExtendedColorType::Rgb8, &data(), &grey);
        assert_eq!(decoded(file, format), data());
    }
    for format in [Format::Png, Format::Jpeg] {
        let levels = [200_u8; 64];
        let file = with_profile(format, ExtendedColorType::L8, &levels, &grey);
        let expected = [from_linear(200.0 / 255.0); 64 * 3];
        near(&decoded(file, format), &expected, 2, "grey");
    }
    let blank = [[205, 160, 46]; 64];
    let (rgb, data) = (ExtendedColorType::Rgb8, blank.as_flattened());
    let file = with_profile(Format::Jpeg, rgb, data, &p3);
    let found = decoded(file, Format::Jpeg);
    near(&found[..3], &expected[..3], 3, "JPEG");
}

#[test]
fn a_profile_that_cannot_be_used_is_told() {
    for profile in [b"no profile".to_vec(), vec![7; 5 << 20]] {
        let file = with_profile(Format::Png, ExtendedColorType::Rgb8, &data(), &profile);
        let image = decode(file, Format::Png).unwrap();
        assert_eq!(image.remarks, [Remark::ProfileUnused]);
        assert_eq!(image.pixels.data(), data());
    }
    let ink = icc::in_jpeg(&printed(&INKS), b"no profile");
    let image = decode(ink, Format::Jpeg).unwrap();
    assert_eq!(image.remarks, [Remark::ProfileUnused], "ink");
}

#[test]
fn what_is_written_is_srgb() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    for format in [Format::Png, Format::Jpeg, Format::Webp] {
        let file = with_profile(format, ExtendedColorType::Rgb8, &data(), &p3);
        let image = decode(file, format).unwrap();
        let pixels = image.pixels.data().to_vec();
        let (written, format) = encode(&image.pixels, format).unwrap();
        let again = decode(written, format).unwrap();
        assert_eq!(again.remarks, []);
        if format != Format::Jpeg {
            assert_eq!(again.pixels.data(), pixels, "{format:?}");
        }
    }
}

/// Of 8 × 8 pixels with one colour for each of the inks. A JPEG of four components has
/// them inverted, as Photoshop writes it.
fn printed(inks: &[[u8; 4]]) -> Vec<u8> {
    let jpeg = Jpeg {
        size: (8 * inks.len() as u16, 8),
        samplings: vec![(1, 1); 4],
        restart: 0,
        progressive: false,
        scans: vec![Scan::whole(&[0, 1, 2, 3])],
    };
    jpeg.file(&|component, x, _| 255.0 - f64::from(inks[x as usize / 8][component]))
}

/// The colours of [`printed`].
fn shown(file: Vec<u8>) -> Vec<[u8; 3]> {
    let pixels = decode(file, Format::Jpeg).unwrap().pixels;
    let columns = (0..pixels.width() as usize).step_by(8);
    columns.map(|x| pixel(&pixels, x + 4, 4)).collect()
}

const INKS: [[u8; 4]; 7] = [
    [0, 0, 0, 0],
    [255, 0, 0, 0],
    [0, 255, 0, 0],
    [0, 0, 255, 0],
    [0, 0, 0, 255],
    [255, 255, 0, 0],
    [128, 0, 0, 0],
];

/// Paper and inks that are duller than those of a screen.
fn overprint(inks: [bool; 4]) -> icc::Lab {
    let looks = [
        [62.0, -25.0, -28.0],
        [58.0, 40.0, 2.0],
        [86.0, -4.0, 50.0],
        [20.0, 0.0, 0.0],
    ];
    let used = looks.iter().zip(inks).filter(|(_, is_used)| *is_used);
    used.fold([92.0, 0.0, 3.0], |[l, a, b], ([ink_l, ink_a, ink_b], _)| {
        let share = ink_l / 92.0;
        [l * share, (a + ink_a) * share, (b + ink_b) * share]
    })
}

/// By the formulas of CIE L*a*b*, and by what leads from D50 to sRGB.
fn from_lab([l, a, b]: icc::Lab) -> [u8; 3] {
    let y = (l + 16.0) / 116.0;
    let light = |root: f64| match root > 6.0 / 29.0 {
        true => root.powi(3),
        false => (root - 4.0 / 29.0) * 3.0 * (6.0_f64 / 29.0).powi(2),
    };
    let (x, y, z) = (
        0.964_2 * light(y + a / 500.0),
        light(y),
        0.824_9 * light(y - b / 200.0),
    );
    [
        3.133_86 * x - 1.616_87 * y - 0.490_61 * z,
        -0.978_77 * x + 1.916_14 * y + 0.033_45 * z,
        0.071_94 * x - 0.228_99 * y + 1.405_24 * z,
    ]
    .map(from_linear)
}

#[test]
fn ink_is_shown_by_its_profile_or_plainly() {
    let file = printed(&INKS);
    let plain = INKS.map(|[c, m, y, k]| {
        [c, m, y].map(|ink| {
            let light = |ink: u8| f64::from(255 - ink);
            (light(ink) * light(k) / 255.0).round() as u8
        })
    });
    let near_colors = |file, colors: &[[u8; 3]], name| {
        near(shown(file).as_flattened(), colors.as_flattened(), 4, name);
    };
    near_colors(file.clone(), &plain, "plain");

    let profile = icc::in_jpeg(&file, &icc::printer(&overprint));
    let half = |one: icc::Lab, other: icc::Lab| [0, 1, 2].map(|at| (one[at] + other[at]) / 2.0);
    let printed = INKS.map(|inks| {
        let full = overprint(inks.map(|ink| ink > 0));
        from_lab(match inks.contains(&128) {
            true => half(full, overprint([false; 4])),
            false => full,
        })
    });
    near_colors(profile, &printed, "printed");
    let most = plain.as_flattened().iter().zip(printed.as_flattened());
    let most = most.map(|(one, other)| one.abs_diff(*other)).max();
    assert!(most > Some(80), "it hardly differs: {most:?}");

    // A profile for other samples is not one for ink.
    let other = icc::in_jpeg(&file, &icc::display_p3());
    near_colors(other, &plain, "a profile for RGB");
}
