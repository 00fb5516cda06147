//! `refine` of a part of an image.

use concept_refinement_tests::pictures::{self, decode};

use crate::place::Place;

/// Whether a pixel is in the part to change.
type Inside<'a> = &'a dyn Fn(u32, u32) -> bool;

/// The left half of a picture of 64 by 48 pixels.
fn mask() -> Vec<u8> {
    pictures::mask(64, 48, [0, 0, 32, 48]).bytes
}

#[test]
fn a_region_and_a_mask_keep_every_pixel_outside() {
    let place = Place::new();
    let picture = pictures::png(64, 48).bytes;
    place.write("in.png", &picture);
    place.write("mask.png", mask());
    let is_in_region = |x, y| (10..40).contains(&x) && (20..30).contains(&y);
    let edits: [(&[&str], Inside<'_>); 3] = [
        (&["--region", "10,20,30,10"], &is_in_region),
        (
            &["--region", "10, 20, 30, 10", "--region-only"],
            &is_in_region,
        ),
        (&["--mask", "mask.png", "--mask-feather", "0"], &|x, _| {
            x < 32
        }),
    ];
    for (flags, is_inside) in edits {
        let arguments = ["refine", "in.png", "much lighter", "-o", "out.png"];
        place.run(&[&arguments[..], flags].concat()).silent();
        let (before, after) = (
            decode(&picture).to_rgba8(),
            decode(&place.read("out.png")).to_rgba8(),
        );
        assert_eq!(before.dimensions(), after.dimensions(), "{flags:?}");
        let changed = |is_wanted: bool| {
            let pixels = before.enumerate_pixels().zip(after.pixels());
            pixels
                .filter(|((x, y, one), other)| one != other && is_inside(*x, *y) == is_wanted)
                .count()
        };
        assert_eq!(changed(false), 0, "{flags:?}");
        assert!(changed(true) > 50, "{flags:?}");
    }
}

#[test]
fn what_cannot_be_a_part_is_said() {
    let four = "must be four whole numbers, as in 10,20,300,200";
    let bounds = "--region must have x and y of at least 0, width and height of at least 1: \
                  whole numbers up to 2147483647";
    let outside = "in.png: the region lies outside of the image, 64 × 48";
    let other_size = "in.png: the mask must have the original's size, 64 × 48";
    let strength = "--strength must be a number from 0 to 1";
    let failed: [(&[&str], &str); 3] = [
        (&["--region", "64,2,3,4"], outside),
        (&["--mask", "black.png"], "in.png: the mask marks nothing"),
        (&["--mask", "small.png"], other_size),
    ];
    let misused: [(&[&str], &str); 13] = [
        (&["--region", "nonsense"], four),
        (&["--region", "1,2,3"], four),
        (&["--region", "1,2,3,4,5"], four),
        (&["--region=-1,2,3,4"], four),
        (&["--region", "1,2,0,4"], bounds),
        (
            &["--region", "1,2,3,4", "--mask", "mask.png"],
            "cannot be used with",
        ),
        (&["--mask", "missing.png"], "missing.png cannot be read: "),
        (
            &["--mask-feather", "3"],
            "--mask-feather needs a region or a mask",
        ),
        (&["--region-only"], "--region-only needs a region or a mask"),
        (&["--strength", "1.1"], strength),
        (&["--strength", "nan"], strength),
        (&["--seed", "-1"], "invalid value '-1' for '--seed"),
        (
            &["--region", "-1,0,5,5"],
            "invalid value '-1,0,5,5' for '--region",
        ),
    ];
    let failed = failed.map(|(flags, sentence)| (flags, 1, sentence));
    let misused = misused.map(|(flags, sentence)| (flags, 2, sentence));
    let place = Place::new();
    place.write("in.png", pictures::png(64, 48).bytes);
    place.write("mask.png", mask());
    place.write("small.png", pictures::png(63, 48).bytes);
    place.write("black.png", pictures::mask(64, 48, [0; 4]).bytes);
    for (flags, code, sentence) in failed.into_iter().chain(misused) {
        let arguments = ["refine", "in.png", "lighter", "-o", "out.png"];
        let done = place.run(&[&arguments[..], flags].concat());
        assert_eq!(done.code, code, "{flags:?}: {}", done.stderr);
        assert!(done.stderr.contains(sentence), "{flags:?}: {}", done.stderr);
        assert!(!place.files().contains(&"out.png".to_owned()), "{flags:?}");
    }
}
