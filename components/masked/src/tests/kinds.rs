//! Each kind of original.

use concept_refinement_samples::icc;
use concept_refinement_samples::jpeg::{Jpeg, Scan};
use png::{BitDepth, ColorType};

use super::pictures::{interlaced, oriented, png_of};
use super::*;

/// A lossy WebP, which no library here writes.
const LOSSY: &[u8] = include_bytes!("../../../../host/src/wiring/conformance/disc.webp");

pub struct Kind {
    pub name: String,
    pub format: Format,
    pub file: Vec<u8>,
}

fn kind(name: impl Into<String>, format: Format, file: Vec<u8>) -> Kind {
    Kind {
        name: name.into(),
        format,
        file,
    }
}

fn drawn(component: usize, x: f64, y: f64) -> f64 {
    128.0 + 60.0 * ((x + component as f64) * 0.3 + y * 0.2).sin()
}

fn jpeg(components: usize, progressive: bool) -> Vec<u8> {
    let all: Vec<usize> = (0..components).collect();
    let scans = match progressive {
        false => vec![Scan::whole(&all)],
        true => std::iter::once(Scan::part(&all, (0, 0), (0, 0)))
            .chain(all.iter().map(|one| Scan::part(&[*one], (1, 63), (0, 0))))
            .collect(),
    };
    let jpeg = Jpeg {
        size: (61, 47),
        samplings: vec![(1, 1); components],
        restart: 0,
        progressive,
        scans,
    };
    jpeg.file(&drawn)
}

pub fn kinds() -> Vec<Kind> {
    use Format::{Gif, Jpeg, Png, Webp};
    let p3 = icc::display_p3();
    let size = (61, 47);
    let mut kinds = Vec::new();
    for (wide, alpha) in [(false, false), (false, true), (true, false), (true, true)] {
        let picture = Picture::new(size.0, size.1, wide, alpha);
        let name = format!("PNG, {wide} {alpha}");
        kinds.push(kind(&name, Png, picture.png(&[], None)));
        kinds.push(kind(
            format!("{name}, P3"),
            Png,
            picture.png(&[], Some(&p3)),
        ));
    }
    let plain = Picture::new(size.0, size.1, false, false);
    for (color, depth, channels) in [
        (ColorType::Grayscale, BitDepth::One, 1),
        (ColorType::Grayscale, BitDepth::Four, 1),
        (ColorType::Grayscale, BitDepth::Eight, 1),
        (ColorType::Grayscale, BitDepth::Sixteen, 1),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, 2),
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen, 2),
        (ColorType::Indexed, BitDepth::Two, 1),
        (ColorType::Indexed, BitDepth::Eight, 1),
    ] {
        let length = (61 * channels * depth as usize).div_ceil(8) * 47;
        let data: Vec<u8> = (0..length).map(|at| (at * at / 7) as u8).collect();
        let name = format!("{color:?} {depth:?}");
        let grey = icc::linear_grey();
        let profile = (color == ColorType::Grayscale).then_some(grey.as_slice());
        kinds.push(kind(
            &name,
            Png,
            png_of(size, (color, depth), &[], profile, &data),
        ));
        if channels == 1 {
            let key: &[u8] = if color == ColorType::Indexed {
                &[0, 90]
            } else {
                &[0, 1]
            };
            let file = png_of(size, (color, depth), &[(b"tRNS", key)], None, &data);
            kinds.push(kind(format!("{name} with a key"), Png, file));
        }
    }
    for chunks in [
        &[(b"gAMA", 55_556_u32.to_be_bytes().as_slice())],
        &[(b"cICP", &[12, 13, 0, 1])],
        &[(b"cICP", &[9, 16, 0, 1])],
        &[
            (b"cICP", &[9, 16, 0, 1]),
            (b"mDCV", b"\x8a\x48\x39\x08\x21\x34\x9b\xaa\x19\x96\x08\xfc\x3d\x13\x40\x42\0\x98\x96\x80\0\0\0\x32"),
            (b"cLLI", &[0, 152, 150, 128, 0, 61, 9, 0]),
        ],
        &[(b"sRGB", &[0])],
    ] as [&[(&[u8; 4], &[u8])]; 5]
    {
        kinds.push(kind(format!("{chunks:?}"), Png, plain.png(chunks, None)));
    }
    kinds.push(kind("no profile", Png, plain.png(&[], Some(b"none"))));
    kinds.push(kind("interlaced", Png, interlaced(&plain)));
    for (name, icc) in [("", None), (", P3", Some(p3.as_slice()))] {
        for format in [Jpeg, Webp] {
            let file = plain.file(format, icc);
            kinds.push(kind(format!("{format:?}{name}"), format, file));
        }
    }
    let translucent = Picture::new(size.0, size.1, false, true);
    kinds.push(kind("WebP, alpha", Webp, translucent.file(Webp, None)));
    kinds.push(kind("WebP, lossy", Webp, LOSSY.to_vec()));
    kinds.push(kind("GIF", Gif, plain.file(Gif, None)));
    kinds.push(kind("GIF, alpha", Gif, translucent.file(Gif, None)));
    for components in [1, 3, 4] {
        for progressive in [false, true] {
            let name = format!("JPEG of {components}, {progressive}");
            kinds.push(kind(name, Jpeg, jpeg(components, progressive)));
        }
    }
    let printer = icc::printer(&|inks| [92.0 - 20.0 * f64::from(u8::from(inks[0])), 0.0, 3.0]);
    for (name, profile) in [
        ("print", printer.as_slice()),
        ("print, no profile", b"none"),
    ] {
        kinds.push(kind(name, Jpeg, icc::in_jpeg(&jpeg(4, false), profile)));
    }
    for orientation in 1..=8 {
        for (format, file) in [(Jpeg, jpeg(3, false)), (Png, plain.png(&[], Some(&p3)))] {
            let name = format!("{format:?}, orientation {orientation}");
            kinds.push(kind(name, format, oriented(&file, orientation)));
        }
    }
    for format in Format::ALL {
        let pixel = Picture::new(1, 1, false, false).file(format, None);
        kinds.push(kind(format!("{format:?} of a pixel"), format, pixel));
    }
    kinds
}

#[test]
fn outside_of_a_part_every_pixel_of_every_kind_is_the_original_s() {
    let kinds = kinds();
    assert!(kinds.len() > 50, "{}", kinds.len());
    for Kind { name, format, file } in kinds {
        let raw = decoded(format, &file);
        let original = pixels(&raw);
        let (width, height) = raw.upright_size();
        let (left, top) = (width / 3, height / 3);
        let part = region(left, top, (width / 2).max(1), (height / 2).max(1));
        for part_only in [false, true] {
            for feather in [0, 8] {
                let case = format!("{name}, {part_only}, {feather}");
                let mut painted = None;
                let model = |_, seen| {
                    let answer = inverted(format, seen);
                    painted = Some(answer.clone());
                    (Format::Png, answer.png(&[], None))
                };
                let edited = edit(
                    (format, &file),
                    Part::Region(part),
                    part_only,
                    feather,
                    model,
                );
                let result = decoded(edited.format, &edited.file);
                check_form(&case, format, &raw, &edited, &result);
                let (found, painted) = (pixels(&result), painted.unwrap());
                let is_srgb = raw.colors.profile.is_none();
                for (y, (row, old)) in (0..).zip(found.iter().zip(&original)) {
                    for (x, (pixel, old)) in (0..).zip(row.iter().zip(old)) {
                        let is_inside = (part.x..part.x + part.width).contains(&x)
                            && (part.y..part.y + part.height).contains(&y);
                        if !is_inside {
                            assert_eq!(pixel, old, "{case}: {x} {y}");
                        } else if feather == 0 && is_srgb {
                            let place = (y - edited.area.y) * painted.width + x - edited.area.x;
                            let [r, g, b, alpha] = painted.pixels[place as usize];
                            let near = |one: u16, other: u16| one.abs_diff(other) <= 1;
                            let is_near = near(pixel[0], r) && near(pixel[1], g);
                            assert!(
                                is_near && near(pixel[2], b) && pixel[3] == alpha,
                                "{case}: {x} {y}: {pixel:?} {r} {g} {b} {alpha}"
                            );
                        }
                    }
                }
                assert!(found != original, "{case}: the part changes");
            }
        }
    }
}

/// The profile for grey becomes one for colours with the same curve.
#[test]
fn a_grey_original_with_a_profile_looks_the_same_in_colours() {
    let data: Vec<u8> = (0..=255).collect();
    let grey = (ColorType::Grayscale, BitDepth::Eight);
    let original = png_of((16, 16), grey, &[], Some(&icc::linear_grey()), &data);
    let part = Part::Region(region(15, 15, 1, 1));
    let model = |_, seen| (Format::Png, inverted(Format::Png, seen).png(&[], None));
    let edited = edit((Format::Png, &original), part, false, 0, model);
    let shown = |file: &[u8]| decoded(Format::Png, file).into_srgb().unwrap().0;
    let (before, after) = (shown(&original), shown(&edited.file));
    assert_eq!(before[..255 * 3], after[..255 * 3]);
    // Light of 200 is lighter than a level of 200.
    assert!(before[200 * 3] > 220);
}

/// Format, depth and profile are the original's, and nothing else is in the file.
fn check_form(case: &str, format: Format, raw: &Raw, edited: &Edited, result: &Raw) {
    let expected = match format {
        Format::Webp => Format::Webp,
        _ => Format::Png,
    };
    assert_eq!(edited.format, expected, "{case}");
    assert_eq!(result.upright_size(), raw.upright_size(), "{case}");
    assert_eq!(
        result.orientation,
        concept_refinement_raster::Orientation::NoTransforms
    );
    assert_eq!(result.is_wide(), raw.is_wide(), "{case}");
    assert!(result.samples.has_color(), "{case}");
    match !raw.samples.has_color() && raw.colors.profile.is_some() {
        true => assert!(result.colors.profile.is_some(), "{case}"),
        false => assert_eq!(result.colors.icc, raw.colors.icc, "{case}"),
    }
    assert_eq!(result.colors.chunks, raw.colors.chunks, "{case}");
    if expected == Format::Webp {
        let pixels = pixels(raw);
        let has_alpha = pixels.iter().flatten().any(|[_, _, _, alpha]| *alpha < 255);
        assert_eq!(result.samples.has_alpha(), has_alpha, "{case}");
    }
    let is_told = edited
        .notes
        .iter()
        .any(|note| note.starts_with("The result is a PNG"));
    assert_eq!(
        is_told,
        matches!(format, Format::Jpeg | Format::Gif),
        "{case}"
    );
    // Its samples are sRGB, whatever its profile was.
    if case.starts_with("print") {
        let told = edited
            .notes
            .iter()
            .any(|note| note.contains("could not be converted"));
        assert!(!told, "{case}");
    }
    let known: &[&[u8]] = match expected {
        Format::Webp => &[b"VP8X", b"ICCP", b"VP8L"],
        _ => &[
            b"IHDR", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sRGB", b"gAMA", b"cHRM", b"IDAT",
            b"IEND",
        ],
    };
    for name in super::files::chunk_names(expected, &edited.file) {
        assert!(known.contains(&name.as_slice()), "{case}: {name:?}");
    }
}
