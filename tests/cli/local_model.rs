//! What the local model does with the words of a prompt, through the command line.

use std::collections::BTreeSet;

use concept_refinement_tests::pictures::{self, brightness};
use image::DynamicImage;

use crate::place::Place;

fn refined(prompt: &str) -> DynamicImage {
    let place = Place::new();
    place.write("logo.png", &pictures::png(160, 100).bytes);
    place
        .run(&["refine", "logo.png", prompt, "-o", "out.png"])
        .silent();
    // Alpha included.
    image::load_from_memory(&place.read("out.png")).unwrap()
}

fn colors(image: &DynamicImage) -> BTreeSet<[u8; 3]> {
    image.to_rgb8().pixels().map(|pixel| pixel.0).collect()
}

#[test]
fn so_many_colors_are_left() {
    for (prompt, expected) in [("only two colours", 2), ("use 3 colors", 3)] {
        assert_eq!(colors(&refined(prompt)).len(), expected, "{prompt}");
    }
    let expected = BTreeSet::from([[0x1d, 0x2f, 0x5f], [0xff, 0xee, 0xcc]]);
    assert_eq!(colors(&refined("two colours: #1d2f5f and #fec")), expected);
    let expected = BTreeSet::from([[0; 3], [255; 3]]);
    assert_eq!(colors(&refined("black and white only")), expected);
}

#[test]
fn a_hex_color_recolors() {
    let [blue, brown] = ["make it #2563c9", "make it #8b5a2b"].map(|prompt| {
        let image = refined(prompt).to_rgb8();
        let sum = |channel: usize| {
            image
                .pixels()
                .map(|pixel| u64::from(pixel.0[channel]))
                .sum()
        };
        let [red, blue]: [u64; 2] = [0, 2].map(sum);
        (red, blue)
    });
    assert!(blue.1 > blue.0 && brown.0 > brown.1, "{blue:?} {brown:?}");
}

#[test]
fn an_inverted_picture_is_the_opposite() {
    let before = image::load_from_memory(&pictures::png(160, 100).bytes).unwrap();
    let after = refined("invert the colours");
    let sum = brightness(&before) + brightness(&after);
    assert!((sum - 255.0).abs() < 2.0, "{sum}");
}

#[test]
fn a_crop_is_a_circle_or_tighter() {
    let circle = refined("crop it to a circle").to_rgba8();
    assert_eq!(circle.dimensions(), (100, 100));
    let alpha = |x, y| circle.get_pixel(x, y).0[3];
    for (x, y) in [(0, 0), (99, 0), (0, 99), (99, 99), (13, 13)] {
        assert_eq!(alpha(x, y), 0, "{x},{y}");
    }
    for (x, y) in [(50, 50), (50, 1), (1, 50), (98, 50), (50, 98)] {
        assert_eq!(alpha(x, y), 255, "{x},{y}");
    }
    let tight = refined("crop tighter").to_rgb8();
    assert!(tight.width() < 160 && tight.height() <= 100);
    assert!(tight.width() >= 80 && tight.height() >= 50);
}
