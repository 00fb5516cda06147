//! Answers of every size, shape, format and profile.

use concept_refinement_samples::icc;

use super::pictures::oriented;
use super::*;

const SIZES: [(u32, u32); 12] = [
    (61, 47),
    (122, 94),
    (64, 64),
    (30, 23),
    (61, 48),
    (47, 61),
    (1, 1),
    (1, 200),
    (200, 1),
    (7, 47),
    (1_024, 96),
    (96, 1_024),
];

fn original(wide: bool) -> Picture {
    Picture::new(61, 47, wide, false)
}

fn is_inside(x: u32, y: u32) -> bool {
    (20..40).contains(&x) && (10..30).contains(&y)
}

#[test]
fn an_answer_of_any_size_and_format_leaves_what_is_outside() {
    let p3 = icc::display_p3();
    for wide in [false, true] {
        let png = original(wide).png(&[], None);
        let before = pixels(&decoded(Format::Png, &png));
        for (width, height) in SIZES {
            for format in Format::ALL {
                for profile in [None, Some(p3.as_slice())] {
                    let case = format!("{wide} {width} × {height} {format:?} {profile:?}");
                    let answer = |_, seen| {
                        let answer = inverted(Format::Png, seen).sized(width, height);
                        (format, answer.file(format, profile))
                    };
                    let part = Part::Region(region(20, 10, 20, 20));
                    let edited = edit((Format::Png, &png), part, false, 0, answer);
                    let is_scaled = (width, height) != (61, 47);
                    assert_eq!(edited.notes.len(), usize::from(is_scaled), "{case}");
                    let after = pixels(&decoded(Format::Png, &edited.file));
                    for (y, (row, old)) in (0..).zip(after.iter().zip(&before)) {
                        for (x, (pixel, old)) in (0..).zip(row.iter().zip(old)) {
                            assert!(is_inside(x, y) || pixel == old, "{case}: {x} {y}");
                        }
                    }
                    assert!(after != before, "{case}");
                }
            }
        }
    }
}

#[test]
fn what_was_scaled_is_told() {
    let png = original(false).png(&[], None);
    let answer = |_, seen| {
        let answer = inverted(Format::Png, seen).sized(512, 512);
        (Format::Png, answer.png(&[], None))
    };
    let part = Part::Region(region(20, 10, 20, 20));
    let edited = edit((Format::Png, &png), part, false, 8, answer);
    assert_eq!(
        edited.notes,
        ["The model's answer of 512 × 512 was scaled to 61 × 47."]
    );
}

/// One colour, so that scaling and compression change nothing.
fn plain(size: (u32, u32), color: [u16; 3], wide: bool) -> Picture {
    let [r, g, b] = color;
    let mut picture = Picture::new(size.0, size.1, wide, false);
    let max = crate::original::max_of(wide);
    picture.pixels.fill([r, g, b, max]);
    picture
}

#[test]
fn a_part_in_which_nothing_changed_is_told() {
    let nothing = "Nothing changed in the part that was to change.";
    let scaled = "The model's answer of 122 × 94 was scaled to 61 × 47.";
    let last = 29 * 61 + 39;
    for wide in [false, true] {
        let original = plain((61, 47), [9, 99, 199], wide);
        let changed = |place: usize| {
            let mut answer = original.clone();
            answer.pixels[place][0] += 1;
            answer
        };
        for (name, answer, expected) in [
            ("as it was", original.clone(), &[nothing][..]),
            ("changed outside", changed(last + 1), &[nothing]),
            ("changed in its last pixel", changed(last), &[]),
            ("scaled", original.sized(122, 94), &[scaled, nothing]),
        ] {
            let part = Part::Region(region(20, 10, 20, 20));
            let png = original.png(&[], None);
            let answer = |_, _| (Format::Png, answer.png(&[], None));
            let edited = edit((Format::Png, &png), part, false, 0, answer);
            assert_eq!(edited.notes, expected, "{wide}: {name}");
            let after = pixels(&decoded(Format::Png, &edited.file)).concat();
            let mut pairs = after.iter().zip(&original.pixels);
            let place = pairs.position(|(after, before)| after != before);
            assert_eq!(place, expected.is_empty().then_some(last), "{wide}: {name}");
        }
    }
}

/// What stands in the middle of the part.
fn painted(original: &Picture, icc: Option<&[u8]>, format: Format, answer: &[u8]) -> Pixel {
    let png = original.png(&[], icc);
    let part = Part::Region(region(20, 10, 20, 20));
    let answer = |_, _| (format, answer.to_vec());
    let edited = edit((Format::Png, &png), part, false, 0, answer);
    pixels(&decoded(Format::Png, &edited.file))[20][30]
}

#[test]
fn an_answer_is_converted_to_the_original_s_profile_and_depth() {
    let p3 = icc::display_p3();
    // The same colour in both.
    let (in_srgb, in_p3) = ([200, 60, 40], [185_u16, 70, 50]);
    for wide in [false, true] {
        for size in [(61, 47), (64, 64)] {
            for (format, from, to, color, expected) in [
                (Format::Png, None, Some(p3.as_slice()), in_srgb, in_p3),
                (Format::Webp, Some(p3.as_slice()), None, in_p3, in_srgb),
                (
                    Format::Jpeg,
                    Some(p3.as_slice()),
                    Some(p3.as_slice()),
                    in_p3,
                    in_p3,
                ),
                (Format::Png, None, None, in_srgb, in_srgb),
            ] {
                let answer = plain(size, color, false).file(format, from);
                let found = painted(&original(wide), to, format, &answer);
                let scale = if wide { 257 } else { 1 };
                for (found, expected) in found.iter().zip(expected) {
                    let difference = found.abs_diff(expected * scale);
                    assert!(
                        difference <= 3 * scale,
                        "{wide} {size:?} {format:?}: {found} {expected}"
                    );
                }
                assert_eq!(found[3], crate::original::max_of(wide));
            }
        }
    }
}

#[test]
fn a_deep_answer_keeps_its_depth_in_a_deep_original() {
    let color = [12_345, 23_456, 34_567];
    let answer = plain((61, 47), color, true).png(&[], None);
    let [r, g, b, _] = painted(&original(true), None, Format::Png, &answer);
    assert_eq!([r, g, b], color);
    let [r, g, b, _] = painted(&original(false), None, Format::Png, &answer);
    assert_eq!([r, g, b], [48, 91, 135]);
}

#[test]
fn an_answer_is_turned_upright_and_its_type_is_what_it_is() {
    let mut picture = Picture::new(47, 61, false, false);
    let half = picture.pixels.len() / 2;
    picture.pixels[..half].fill([250, 0, 0, 255]);
    picture.pixels[half..].fill([0, 0, 250, 255]);
    // Upright it is turned to the right: red is on the right.
    let answer = oriented(&picture.png(&[], None), 6);
    let png = original(false).png(&[], None);
    let part = Part::Region(Region::whole((61, 47)));
    let edited = edit((Format::Png, &png), part, false, 0, |_, _| {
        (Format::Jpeg, answer)
    });
    let after = pixels(&decoded(Format::Png, &edited.file));
    assert_eq!(
        (after[20][5], after[20][55]),
        ([0, 0, 250, 255], [250, 0, 0, 255])
    );
    assert_eq!(edited.notes, [""; 0]);
}

#[test]
fn the_result_has_alpha_where_either_has() {
    let opaque = original(false).png(&[], None);
    let hole = plain((61, 47), [9, 9, 9], false);
    for (alpha, expected) in [(255, false), (100, true)] {
        let mut answer = hole.clone();
        answer.alpha = true;
        answer.pixels.iter_mut().for_each(|pixel| pixel[3] = alpha);
        let answer = |_, _| (Format::Png, answer.png(&[], None));
        let part = Part::Region(region(20, 10, 20, 20));
        let edited = edit((Format::Png, &opaque), part, false, 0, answer);
        let raw = decoded(Format::Png, &edited.file);
        assert_eq!(raw.samples.has_alpha(), expected);
        assert_eq!(pixels(&raw)[20][30], [9, 9, 9, alpha]);
        assert_eq!(pixels(&raw)[5][5][3], 255);
    }
}

/// What is transparent has no colour that shows along the edge.
#[test]
fn no_fringe_appears_along_the_edge() {
    let mut original = plain((61, 47), [0, 255, 0], false);
    original.alpha = true;
    original.pixels.iter_mut().for_each(|pixel| pixel[3] = 0);
    let png = original.png(&[], None);
    let answer = plain((61, 47), [200, 30, 40], false).png(&[], None);
    let part = Part::Region(region(10, 10, 40, 30));
    let edited = edit((Format::Png, &png), part, false, 8, |_, _| {
        (Format::Png, answer)
    });
    let after = pixels(&decoded(Format::Png, &edited.file));
    let edge: Vec<u16> = after[25][8..22].iter().map(|pixel| pixel[3]).collect();
    assert_eq!(
        edge,
        [
            0, 0, 28, 57, 85, 113, 142, 170, 198, 227, 255, 255, 255, 255
        ]
    );
    for pixel in after[25][10..22].iter() {
        assert_eq!(pixel[..3], [200, 30, 40]);
    }
}
