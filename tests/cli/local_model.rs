//! What the local model does with the words of a prompt, through the command line.

use std::collections::BTreeSet;

use concept_refinement_samples::icc;
use concept_refinement_samples::jpeg::{Jpeg, Scan};
use concept_refinement_tests::pictures::{self};
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageReader};

use crate::place::Place;

fn colors(image: &DynamicImage) -> BTreeSet<[u8; 3]> {
    image.to_rgb8().pixels().map(|pixel| pixel.0).collect()
}

/// As a phone takes it.
#[test]
fn a_named_color_is_that_one_whatever_the_profile_of_the_original() {
    let place = Place::new();
    let photo = pictures::decode(&pictures::png(160, 100).bytes).to_rgb8();
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new(&mut file);
    encoder.set_icc_profile(icc::display_p3()).unwrap();
    let (width, height) = photo.dimensions();
    let kind = image::ExtendedColorType::Rgb8;
    encoder.write_image(&photo, width, height, kind).unwrap();
    place.write("photo.png", file);
    let prompt = "only two colours: #cda02e and #203a70";
    let done = place.run(&["refine", "photo.png", prompt, "-o", "out.png"]);
    done.silent();
    let out = place.read("out.png");
    let expected = BTreeSet::from([[0xcd, 0xa0, 0x2e], [0x20, 0x3a, 0x70]]);
    assert_eq!(colors(&pictures::decode(&out)), expected);
    let out = ImageReader::new(std::io::Cursor::new(out)).with_guessed_format();
    let profile = out.unwrap().into_decoder().unwrap().icc_profile();
    assert_eq!(profile.unwrap(), None, "they are those in sRGB alone");
}

/// As Photoshop writes it for print: the inks of a screen are brighter.
#[test]
fn a_picture_for_print_looks_as_its_profile_says() {
    let jpeg = Jpeg {
        size: (32, 16),
        samplings: vec![(1, 1); 4],
        restart: 0,
        progressive: false,
        scans: vec![Scan::whole(&[0, 1, 2, 3])],
    };
    // Cyan to the left, magenta to the right. Ink is stored inverted.
    let file = jpeg.file(&|ink, x, _| match (ink, x < 16.0) {
        (0, true) | (1, false) => 0.0,
        _ => 255.0,
    });
    // In L*a*b*: a cyan of sRGB (60, 156, 190), and a magenta of (200, 90, 138).
    let looks = |[c, m, _, _]: [bool; 4]| match (c, m) {
        (true, false) => [59.9, -20.8, -26.4],
        (false, true) => [53.7, 48.3, -4.4],
        _ => [95.0, 0.0, 0.0],
    };
    let place = Place::new();
    place.write("print.jpg", icc::in_jpeg(&file, &icc::printer(&looks)));
    let done = place.run(&["refine", "print.jpg", "upside down", "-o", "out.jpg"]);
    done.silent();
    let out = pictures::decode(&place.read("out.jpg")).to_rgb8();
    for (x, expected) in [(24, [60, 156, 190]), (8, [200, 90, 138])] {
        let found = out.get_pixel(x, 8).0;
        let is_near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 8);
        assert!(is_near, "{x}: {found:?}, not {expected:?}");
    }
}
