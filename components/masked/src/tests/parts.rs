//! Regions, masks and what the model is shown of them.

use concept_refinement_samples::icc;
use concept_refinement_samples::jpeg::{Jpeg, Scan};
use png::{BitDepth, ColorType};
use proptest::prelude::*;

use super::pictures::{oriented, png_of};
use super::*;
use crate::mask::{Mask, is_set};

/// What the mask of a view marks.
fn marks(view: &View) -> Vec<Vec<bool>> {
    let mask = Mask::from_png(&view.mask).unwrap();
    let (width, height) = mask.size();
    assert_eq!((width, height), (view.area.width, view.area.height));
    (0..height)
        .map(|y| (0..width).map(|x| is_set(mask.row(y), x)).collect())
        .collect()
}

/// White where the region of one pixel is, and black elsewhere.
fn dot(width: u32, height: u32, (x, y): (u32, u32)) -> Picture {
    let mut picture = Picture::new(width, height, false, false);
    picture.pixels.fill([0, 0, 0, 255]);
    picture.pixels[(y * width + x) as usize] = [255; 4];
    picture
}

#[test]
fn a_mask_marks_what_is_white_or_else_transparent() {
    use BitDepth::{Eight, One, Sixteen};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let wide =
        |values: &[u16]| -> Vec<u8> { values.iter().flat_map(|it| it.to_be_bytes()).collect() };
    let original = Picture::new(4, 1, false, false).png(&[], None);
    // The mask is four pixels wide and one high; a 1 is what it marks.
    let check = |name: &str, kind, key: &[(&[u8; 4], &[u8])], data: &[u8], expected: &str| {
        let mask = png_of((4, 1), kind, key, None, data);
        let part = Part::Mask(file(Format::Png, mask));
        let view = prepare(file(Format::Png, original.clone()), part, false).unwrap();
        let expected: Vec<_> = expected.chars().map(|it| it == '1').collect();
        assert_eq!(marks(&view), [expected], "{name}");
    };
    let grey = wide(&[0, 32_767, 32_768, 65_535]);
    let channels = [255, 255, 127, 255, 255, 128, 0, 0, 0, 255, 255, 255];
    let opaque = [0, 255, 255, 255, 100, 255, 200, 255];
    let transparent = [0, 0, 255, 255, 255, 1, 0, 0];
    let translucent = [255, 254, 255, 0, 255, 255, 255, 255];
    let deep = wide(&[9, 9, 9, 0, 9, 9, 9, 1, 9, 9, 9, 65_535, 9, 9, 9, 0]);
    for (name, kind, data, expected) in [
        ("one bit", (Grayscale, One), &[0b0110_0000][..], "0110"),
        ("grey", (Grayscale, Eight), &[0, 127, 128, 255], "0011"),
        ("deep grey", (Grayscale, Sixteen), &grey, "0011"),
        ("each channel", (Rgb, Eight), &channels, "0101"),
        ("opaque", (GrayscaleAlpha, Eight), &opaque, "0101"),
        ("transparent", (GrayscaleAlpha, Eight), &transparent, "1001"),
        ("translucent", (GrayscaleAlpha, Eight), &translucent, "0100"),
        ("deep alpha", (Rgba, Sixteen), &deep, "1001"),
    ] {
        check(name, kind, &[], data, expected);
    }
    for (name, color, key, data) in [
        ("a palette", Indexed, &[0, 255, 7][..], [0, 1, 2, 0]),
        ("a colour", Grayscale, &[0, 200], [200, 0, 255, 200]),
    ] {
        check(name, (color, Eight), &[(b"tRNS", key)], &data, "1001");
    }
}

#[test]
fn a_mask_in_ink_is_read_as_it_is_shown() {
    let original = Picture::new(16, 8, false, false).png(&[], None);
    let jpeg = Jpeg {
        size: (16, 8),
        samplings: vec![(1, 1); 4],
        restart: 0,
        progressive: false,
        scans: vec![Scan::whole(&[0, 1, 2, 3])],
    };
    // Black on the right, in inverted ink.
    let ink = |component: usize, x: f64, _: f64| match component == 3 && x >= 8.0 {
        true => 0.0,
        false => 255.0,
    };
    let plain = jpeg.file(&ink);
    // Black is as light as paper there.
    let pale = icc::in_jpeg(&plain, &icc::printer(&|_| [92.0, 0.0, 3.0]));
    for (name, mask, is_right_marked) in [("plain", plain, false), ("pale", pale, true)] {
        let part = Part::Mask(file(Format::Jpeg, mask));
        let view = prepare(file(Format::Png, original.clone()), part, false).unwrap();
        let expected = [[true; 8], [is_right_marked; 8]].concat();
        assert_eq!(marks(&view), vec![expected; 8], "{name}");
    }
}

#[test]
fn a_mask_is_turned_upright_and_so_is_the_original() {
    let original = oriented(
        &Picture::new(30, 20, false, false).file(Format::Jpeg, None),
        6,
    );
    let masks = [
        dot(20, 30, (3, 7)).png(&[], None),
        // Turned to the right, as it is to be shown.
        oriented(&dot(30, 20, (7, 16)).png(&[], None), 6),
    ];
    for mask in masks {
        let part = Part::Mask(file(Format::Png, mask));
        let view = prepare(file(Format::Jpeg, original.clone()), part, false).unwrap();
        let found = marks(&view);
        assert_eq!((found.len(), found[0].len()), (30, 20));
        let all = found.iter().flatten().filter(|it| **it).count();
        assert!(found[7][3] && all == 1, "{found:?}");
        let seen = decoded(Format::Png, &whole(view.image.unwrap()));
        assert_eq!(seen.upright_size(), (20, 30));
        assert_eq!(pixels(&seen), pixels(&decoded(Format::Jpeg, &original)));
    }
}

#[test]
fn the_model_gets_the_original_as_it_is_where_that_will_do() {
    let jpeg = Picture::new(30, 20, false, false).file(Format::Jpeg, None);
    // A long number: EXIF does not allow it, and some decoders follow it.
    let mut long = oriented(&jpeg, 3);
    let entry = long.windows(3).position(|bytes| bytes == b"\x12\x01\x03");
    long[entry.unwrap() + 2] = 4;
    for (name, format, original, part_only, expected) in [
        ("plain", Format::Jpeg, jpeg.clone(), false, false),
        ("upright", Format::Jpeg, oriented(&jpeg, 1), false, false),
        ("turned", Format::Jpeg, oriented(&jpeg, 3), false, true),
        ("turned for some", Format::Jpeg, long, false, true),
        ("hidden", Format::Png, with_hidden_image(), false, true),
        ("a part", Format::Jpeg, jpeg, true, true),
    ] {
        let part = Part::Region(region(0, 0, 3, 3));
        let view = prepare(file(format, original), part, part_only).unwrap();
        assert_eq!(view.image.is_some(), expected, "{name}");
    }
}

/// An animation of one frame, whose default image is not part of it.
fn with_hidden_image() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 30, 20);
    encoder.set_animated(1, 0).unwrap();
    encoder.set_sep_def_img(true).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for grey in [0, 255] {
        writer.write_image_data(&[grey; 600]).unwrap();
    }
    writer.finish().unwrap();
    file
}

#[test]
fn with_part_only_the_model_sees_the_box_with_its_margin() {
    let picture = Picture::new(600, 400, true, true);
    let original = picture.png(&[], None);
    let part = Part::Region(region(200, 10, 160, 100));
    let view = prepare(file(Format::Png, original), part, true).unwrap();
    assert_eq!(view.area, region(160, 0, 240, 150));
    let found = marks(&view);
    for (y, row) in (0..).zip(&found) {
        for (x, marked) in (0..).zip(row) {
            let is_inside = (40..200).contains(&x) && (10..110).contains(&y);
            assert_eq!(*marked, is_inside, "{x} {y}");
        }
    }
    let seen = decoded(Format::Png, &whole(view.image.unwrap()));
    assert!(seen.is_wide() && seen.samples.has_alpha());
    let expected: Vec<Vec<Pixel>> = (0..150)
        .map(|y| picture.pixels[y * 600 + 160..y * 600 + 400].to_vec())
        .collect();
    assert_eq!(pixels(&seen), expected);
}

/// Nothing makes it smaller.
#[test]
fn a_mask_of_noise_is_hardly_larger_than_its_bits() {
    let mut state = 1_u32;
    let rows: Vec<Vec<bool>> = (0..1_500)
        .map(|_| {
            let mut bit = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state >> 31 == 1
            };
            (0..2_000).map(|_| bit()).collect()
        })
        .collect();
    let mask = Mask::of_rows(&rows);
    let png = mask.to_png().unwrap();
    assert!(png.len() < 1_500 * 251 + 2_000, "{}", png.len());
    assert!(Mask::from_png(&png).unwrap() == mask);
}

/// Some pixels, in rectangles.
fn masks() -> impl Strategy<Value = Picture> {
    let rectangles = proptest::collection::vec((any::<[u8; 4]>(), any::<bool>()), 1..5);
    (2..200_u32, 2..200_u32, rectangles).prop_map(|(width, height, rectangles)| {
        let mut picture = dot(width, height, (width / 2, height / 2));
        for ([x, y, across, down], is_white) in rectangles {
            let value = if is_white { 255 } else { 0 };
            let (x, y) = (u32::from(x) % width, u32::from(y) % height);
            for y in y..height.min(y + u32::from(down) % 40) {
                for x in x..width.min(x + u32::from(across) % 40) {
                    picture.pixels[(y * width + x) as usize] = [value, value, value, 255];
                }
            }
        }
        picture
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_mask_and_feather_keep_what_is_outside(
        mask in masks(), feather in 0..=64_u32, part_only in any::<bool>(),
        wide in any::<bool>(), alpha in any::<bool>(), size in proptest::option::of((1..80_u32, 1..80_u32)),
    ) {
        let original = Picture::new(mask.width, mask.height, wide, alpha);
        let png = original.png(&[], None);
        let part = Part::Mask(file(Format::Png, mask.png(&[], None)));
        if mask.pixels.iter().all(|pixel| pixel[0] == 0) {
            let refused = prepare(file(Format::Png, png), part, part_only);
            prop_assert_eq!(refused.err(), Some(Problem::NothingMarked));
            return Ok(());
        }
        let edited = edit((Format::Png, &png), part, part_only, feather, |_, seen| {
            let answer = inverted(Format::Png, seen);
            let (width, height) = size.unwrap_or((answer.width, answer.height));
            (Format::Png, answer.sized(width, height).png(&[], None))
        });
        let after = pixels(&decoded(Format::Png, &edited.file)).concat();
        let pairs = original.pixels.iter().zip(&after).zip(&mask.pixels);
        for ((before, after), mask) in pairs {
            prop_assert!(mask[0] > 0 || before == after, "{:?} {:?}", before, after);
        }
        if feather == 0 && size.is_none() {
            let inverted = original.inverted();
            for ((after, painted), mask) in after.iter().zip(&inverted.pixels).zip(&mask.pixels) {
                prop_assert!(mask[0] == 0 || after == painted);
            }
        }
    }

    /// A model that paints everything in one colour makes the edges visible.
    #[test]
    fn edges_are_the_same_whether_the_model_sees_all_or_a_part(mask in masks(), feather in 0..=64_u32) {
        prop_assume!(mask.pixels.iter().any(|pixel| pixel[0] > 0));
        let png = Picture::new(mask.width, mask.height, false, true).png(&[], None);
        let results = [false, true].map(|part_only| {
            let part = Part::Mask(file(Format::Png, mask.png(&[], None)));
            let edited = edit((Format::Png, &png), part, part_only, feather, |area, _| {
                let mut answer = Picture::new(area.width, area.height, false, false);
                answer.pixels.fill([250, 128, 3, 255]);
                (Format::Png, answer.png(&[], None))
            });
            pixels(&decoded(Format::Png, &edited.file))
        });
        prop_assert!(results[0] == results[1]);
    }

    #[test]
    fn any_region_is_cut_off_or_refused(
        numbers in any::<[u32; 4]>(), small in any::<[u8; 4]>(), is_small in any::<bool>(), part_only in any::<bool>(),
    ) {
        let [x, y, width, height] = if is_small { small.map(|it| u32::from(it) % 50) } else { numbers };
        let png = Picture::new(40, 30, false, false).png(&[], None);
        let part = Part::Region(region(x, y, width, height));
        let is_outside = x >= 40 || y >= 30 || width == 0 || height == 0;
        match prepare(file(Format::Png, png), part, part_only) {
            Ok(view) => {
                prop_assert!(!is_outside);
                let all = marks(&view).iter().flatten().filter(|it| **it).count() as u32;
                prop_assert_eq!(all, width.min(40 - x) * height.min(30 - y));
            }
            Err(problem) => {
                prop_assert!(is_outside);
                prop_assert_eq!(problem, Problem::RegionOutside((40, 30)));
            }
        }
    }
}
