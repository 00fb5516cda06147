//! What cannot be edited is refused in a sentence, and nothing does harm.

use proptest::prelude::*;

use super::*;

fn png(width: u32, height: u32) -> Vec<u8> {
    Picture::new(width, height, false, false).png(&[], None)
}

fn refused((format, bytes): (Format, Vec<u8>), part: Part) -> String {
    let problem = prepare(file(format, bytes), part, false);
    problem.err().unwrap().to_string()
}

fn mask(bytes: Vec<u8>) -> Part {
    Part::Mask(file(Format::Png, bytes))
}

fn anywhere() -> Part {
    Part::Region(region(0, 0, 1, 1))
}

fn animated_gif() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, 4, 4, &[0, 0, 0, 255, 255, 255]).unwrap();
    for value in [0, 1] {
        let frame = gif::Frame::from_indexed_pixels(4, 4, vec![value; 16], None);
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    file
}

fn animated_png() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 4, 4);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for value in [0, 9] {
        writer.write_image_data(&[value; 16]).unwrap();
    }
    drop(writer);
    file
}

/// Of so many frames.
fn animated_webp(frames: usize) -> Vec<u8> {
    let chunk = |name: &[u8; 4], contents: &[u8]| {
        let length = (contents.len() as u32).to_le_bytes();
        let padding: &[u8] = if contents.len() % 2 == 1 { &[0] } else { &[] };
        [name, length.as_slice(), contents, padding].concat()
    };
    let still = Picture::new(4, 4, false, false).file(Format::Webp, None);
    let mut chunks = b"WEBP".to_vec();
    chunks.extend(chunk(b"VP8X", &[2, 0, 0, 0, 3, 0, 0, 3, 0, 0]));
    chunks.extend(chunk(b"ANIM", &[0; 6]));
    for _ in 0..frames {
        let head = [0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 100, 0, 0, 2];
        chunks.extend(chunk(b"ANMF", &[&head, &still[12..]].concat()));
    }
    chunk(b"RIFF", &chunks)
}

#[test]
fn what_cannot_be_edited_is_refused_in_a_sentence() {
    let original = || (Format::Png, png(1_024, 858));
    let black = || {
        let mut picture = Picture::new(1_024, 858, false, false);
        picture.pixels.fill([0, 0, 0, 255]);
        picture.png(&[], None)
    };
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    let cases = [
        (
            refused(original(), mask(png(858, 1_024))),
            "the mask must have the original's size, 1024 × 858",
        ),
        (refused(original(), mask(black())), "the mask marks nothing"),
        (
            refused(original(), Part::Region(region(1_024, 0, 5, 5))),
            "the region lies outside of the image, 1024 × 858",
        ),
        (
            refused((Format::Gif, animated_gif()), anywhere()),
            "an animation cannot be edited in part",
        ),
        (
            refused((Format::Png, animated_png()), anywhere()),
            "an animation cannot be edited in part",
        ),
        (
            refused((Format::Webp, animated_webp(2)), anywhere()),
            "an animation cannot be edited in part",
        ),
        (
            refused(original(), mask(cut(black()))),
            "the mask cannot be decoded: it is malformed or incomplete",
        ),
        (
            refused((Format::Png, cut(black())), anywhere()),
            "the image cannot be decoded: it is malformed or incomplete",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
    let one = file(Format::Webp, animated_webp(1));
    assert!(prepare(one, anywhere(), true).is_ok());
}

/// Of an upright original, whose sides a file has the other way round.
#[test]
fn sizes_are_those_of_the_upright_original() {
    let turned = || (Format::Png, super::pictures::oriented(&png(30, 20), 6));
    let sentence = refused(turned(), mask(png(30, 20)));
    assert_eq!(sentence, "the mask must have the original's size, 20 × 30");
    let sentence = refused(turned(), Part::Region(region(25, 0, 1, 1)));
    assert_eq!(sentence, "the region lies outside of the image, 20 × 30");
}

#[test]
fn an_answer_that_is_no_image_is_refused() {
    let view = prepare(file(Format::Png, png(30, 20)), anywhere(), false).unwrap();
    for bytes in [
        b"".to_vec(),
        b"no image".to_vec(),
        png(30, 20)[..90].to_vec(),
    ] {
        let answer = Answer {
            mask: view.mask.clone(),
            area: view.area,
            feather: 8,
            image: file(Format::Png, bytes),
        };
        let problem = compose(file(Format::Png, png(30, 20)), answer)
            .err()
            .unwrap();
        let expected = "the model's answer is unusable: it cannot be decoded: it is malformed or \
                        incomplete";
        assert_eq!(problem.to_string(), expected);
    }
}

#[test]
fn a_mask_and_an_area_of_another_image_are_refused() {
    let view = prepare(file(Format::Png, png(30, 20)), anywhere(), false).unwrap();
    let areas = [
        region(0, 0, 29, 20),
        region(1, 0, 30, 20),
        region(u32::MAX, u32::MAX, 30, 20),
        region(0, 0, 0, 0),
    ];
    for area in areas {
        let answer = Answer {
            mask: view.mask.clone(),
            area,
            feather: 8,
            image: file(Format::Png, png(30, 20)),
        };
        let problem = compose(file(Format::Png, png(30, 20)), answer).err();
        assert_eq!(problem, Some(Problem::OtherView));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_do_no_harm(
        which in 0..4_usize, changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        format in proptest::sample::select(&Format::ALL), numbers in any::<[u32; 4]>(), feather in any::<u32>(), part_only in any::<bool>(),
    ) {
        let picture = Picture::new(23, 19, false, false);
        let original = picture.file(format, None);
        let mut files = [original.clone(), png(23, 19), Vec::new(), picture.file(format, None)];
        let view = prepare(file(format, original), mask(png(23, 19)), false);
        let view = view.unwrap();
        files[2] = view.mask;
        let damaged = &mut files[which];
        for (place, value) in changes {
            let place = place.index(damaged.len());
            damaged[place] = value;
        }
        let [original, user_mask, view_mask, answer] = files;
        if let Ok(view) = prepare(file(format, original.clone()), mask(user_mask), part_only) {
            view.image.map(whole);
        }
        let [x, y, width, height] = numbers;
        for area in [view.area, region(x, y, width, height), region(x % 30, y % 30, width % 30, height % 30)] {
            let answer = Answer { mask: view_mask.clone(), area, feather, image: file(format, answer.clone()) };
            if let Ok(composite) = compose(file(format, original.clone()), answer) {
                whole(composite.contents);
            }
        }
    }

    #[test]
    fn noise_is_no_image(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), format in proptest::sample::select(&Format::ALL),
    ) {
        let signed = match format {
            Format::Png => b"\x89PNG\r\n\x1a\n".as_slice(),
            Format::Jpeg => b"\xff\xd8\xff",
            Format::Webp => b"RIFF\x20\0\0\0WEBP",
            Format::Gif => b"GIF89a",
        };
        for bytes in [bytes.clone(), [signed, &bytes].concat()] {
            let part = Part::Mask(file(format, bytes.clone()));
            let _ = prepare(file(Format::Png, png(9, 9)), part, true).map(|view| view.image.map(whole));
            let _ = prepare(file(format, bytes), anywhere(), true).map(|view| view.image.map(whole));
        }
    }
}
