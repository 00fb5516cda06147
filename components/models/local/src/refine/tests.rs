use proptest::prelude::*;

use super::*;
use crate::notes::Remark;
use crate::pixels::Pixels;

/// A brown disk on white.
fn logo() -> Vec<u8> {
    let pixel = |place: i32| {
        let (x, y) = (place % 64 - 32, place / 64 - 32);
        if x * x + y * y < 500 {
            [80, 45, 20]
        } else {
            [255; 3]
        }
    };
    let data = (0..64 * 64).flat_map(pixel).collect();
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    let pixels = Pixels::new(64, 64, false, data).unwrap();
    image::ImageEncoder::write_image(
        encoder,
        pixels.data(),
        64,
        64,
        image::ExtendedColorType::Rgb8,
    )
    .unwrap();
    file
}

fn decoded(file: Vec<u8>) -> Vec<u8> {
    codec::decode(file, Format::Png).unwrap().pixels.into_data()
}

fn refined(prompt: &str, strength: f32) -> Result<Refined, RefineError> {
    let request = Request {
        media_type: "image/png",
        prompt,
        theme: None,
        strength,
    };
    refine(logo(), &request)
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let prompt = "more minimalist, lighter shades of brown, sharper";
    let first = refined(prompt, 0.7).unwrap();
    let second = refined(prompt, 0.7).unwrap();
    assert_eq!(first, second);
    assert_eq!(first.media_type, "image/png");
    assert_ne!(decoded(first.bytes), decoded(logo()));
}

#[test]
fn no_strength_changes_nothing() {
    for strength in [0.0, -1.0, f32::NAN] {
        let answer = refined("minimalist, blue, blurry", strength).unwrap();
        assert_eq!(decoded(answer.bytes), decoded(logo()), "{strength}");
    }
    let most = refined("blue", 1.0).unwrap();
    assert_eq!(refined("blue", f32::INFINITY).unwrap(), most);
}

#[test]
fn lighter_shades_of_brown_are_lighter_and_brown() {
    let answer = refined("lighter shades of brown", 0.7).unwrap();
    let data = decoded(answer.bytes);
    let middle = (32 * 64 + 32) * 3;
    let [r, g, b] = data[middle..middle + 3] else {
        panic!("no pixel")
    };
    assert!(r > 110 && r > g && g > b, "{r} {g} {b}");
    assert!(data[..3].iter().all(|value| *value > 245));
}

#[test]
fn words_that_mean_nothing_are_named() {
    let answer = refined("a darker dragon", 0.7).unwrap();
    assert_eq!(answer.notes, ["Not understood: dragon."]);
}

#[test]
fn a_prompt_without_a_known_word_is_refused_with_help() {
    let error = refined("add a dragon", 0.7).unwrap_err();
    assert_eq!(error, RefineError::NothingUnderstood);
    let sentence = error.to_string();
    for word in ["lighter", "warmer", "minimalist", "blur", "brown"] {
        assert!(sentence.contains(word), "{sentence}");
    }
    // The service cuts sentences off at 1,000 characters.
    assert!(sentence.len() < 850, "{}", sentence.len());
}

#[test]
fn other_media_types_are_refused() {
    for media_type in ["image/tiff", "text/html", "", "image/png; charset=x"] {
        let request = Request {
            media_type,
            prompt: "lighter",
            theme: None,
            strength: 0.7,
        };
        let error = refine(logo(), &request).unwrap_err();
        assert_eq!(error, RefineError::UnknownMediaType, "{media_type}");
    }
}

#[test]
fn what_becomes_transparent_is_answered_in_a_format_that_can_show_it() {
    let square = Pixels::new(24, 16, false, vec![200; 24 * 16 * 3]).unwrap();
    let cases = [
        (Format::Jpeg, "rounded corners", "image/png"),
        (Format::Jpeg, "transparent background", "image/png"),
        (Format::Jpeg, "pixelated", "image/jpeg"),
        (Format::Gif, "rounded corners", "image/png"),
        (Format::Png, "rounded corners", "image/png"),
        (Format::Webp, "rounded corners", "image/webp"),
        (Format::Webp, "transparent background", "image/webp"),
    ];
    for (format, prompt, expected) in cases {
        let request = Request {
            media_type: format.media_type(),
            prompt,
            theme: None,
            strength: 0.7,
        };
        let answer = refine(codec::file_with(&square, format), &request).unwrap();
        assert_eq!(answer.media_type, expected, "{format:?}, {prompt}");
        let format = Format::from_media_type(expected).unwrap();
        let pixels = codec::decode(answer.bytes, format).unwrap().pixels;
        let corner = pixels.iter().next().unwrap();
        assert_eq!(crate::pixels::alpha(corner) < 255, prompt != "pixelated");
    }
}

#[test]
fn a_theme_is_heeded_and_does_not_do_for_a_prompt() {
    let themed = |prompt, theme| {
        let request = Request {
            media_type: "image/png",
            prompt,
            theme,
            strength: 0.7,
        };
        refine(logo(), &request)
    };
    let plain = themed("lighter", None).unwrap();
    assert_eq!(themed("lighter", Some("modern")).unwrap(), plain);
    assert_ne!(themed("lighter", Some("navy")).unwrap(), plain);
    let error = themed("add a dragon", Some("navy")).unwrap_err();
    assert_eq!(error, RefineError::NothingUnderstood);
}

#[test]
fn what_was_done_to_more_than_was_asked_is_told() {
    let note = "Made the whole picture green: this model cannot tell the cup from the rest.";
    assert_eq!(refined("make the cup green", 0.7).unwrap().notes, [note]);
    assert_eq!(refined("make the cup green", 0.0).unwrap().notes, [""; 0]);
}

#[test]
fn a_background_that_cannot_be_found_is_left_alone() {
    let data =
        (0..48 * 48_u32).flat_map(|place| [(place % 48 * 5) as u8, (place / 48 * 5) as u8, 9]);
    let photo = Pixels::new(48, 48, false, data.collect()).unwrap();
    let request = Request {
        media_type: "image/png",
        prompt: "remove the background",
        theme: None,
        strength: 0.7,
    };
    let answer = refine(codec::file_with(&photo, Format::Png), &request).unwrap();
    assert_eq!(answer.notes, [Remark::BackgroundNotFound.to_string()]);
    assert_eq!(decoded(answer.bytes), photo.data());
    // That of the disk is found.
    assert_eq!(refined(request.prompt, 0.7).unwrap().notes, [""; 0]);
}

fn any_word() -> impl Strategy<Value = &'static str> {
    let words = vocabulary::TABLE.iter().flat_map(|entry| entry.words());
    let others = [",", ".", "dragon", "the", "#abc", "45"];
    proptest::sample::select(words.chain(others).collect::<Vec<_>>())
}

fn any_format() -> impl Strategy<Value = Format> {
    proptest::sample::select(&[Format::Png, Format::Jpeg, Format::Webp, Format::Gif])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_prompt_is_answered_with_a_whole_image_or_a_sentence(
        words in proptest::collection::vec(any_word(), 1..10),
        theme in proptest::option::of(any_word()),
        format in any_format(),
        (width, height, alpha) in (1_u32..24, 1_u32..24, any::<bool>()),
        bytes in proptest::collection::vec(any::<u8>(), 24 * 24 * 4),
        strength in -1_f32..2.0,
    ) {
        let alpha = alpha && format != Format::Jpeg;
        let length = (width * height) as usize * if alpha { 4 } else { 3 };
        let pixels = Pixels::new(width, height, alpha, bytes[..length].to_vec()).unwrap();
        let file = codec::file_with(&pixels, format);
        let prompt = words.join(" ");
        let request = Request {
            media_type: format.media_type(),
            prompt: &prompt,
            theme,
            strength,
        };
        let first = refine(file.clone(), &request);
        prop_assert_eq!(&refine(file, &request), &first);
        match first {
            Ok(answer) => {
                let format = Format::from_media_type(answer.media_type).unwrap();
                let after = codec::decode(answer.bytes, format).unwrap().pixels;
                // It may be cropped, and rotated.
                let (longer, shorter) = (width.max(height), width.min(height));
                prop_assert!(after.width().max(after.height()) <= longer);
                prop_assert!(after.width().min(after.height()) <= shorter);
                prop_assert!(answer.notes.iter().all(|note| note.chars().count() <= 200));
            }
            Err(error) => prop_assert_eq!(error, RefineError::NothingUnderstood),
        }
    }
}
