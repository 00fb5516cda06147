use super::*;
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

#[test]
fn the_same_input_gives_the_same_bytes() {
    let prompt = "more minimalist, lighter shades of brown, sharper";
    let first = refine(logo(), "image/png", prompt, 0.7).unwrap();
    let second = refine(logo(), "image/png", prompt, 0.7).unwrap();
    assert_eq!(first, second);
    assert_eq!(first.media_type, "image/png");
    assert_ne!(decoded(first.bytes), decoded(logo()));
}

#[test]
fn no_strength_changes_nothing() {
    for strength in [0.0, -1.0, f32::NAN] {
        let refined = refine(logo(), "image/png", "minimalist, blue, blurry", strength).unwrap();
        assert_eq!(decoded(refined.bytes), decoded(logo()), "{strength}");
    }
    let most = refine(logo(), "image/png", "blue", 1.0).unwrap();
    assert_eq!(
        refine(logo(), "image/png", "blue", f32::INFINITY).unwrap(),
        most
    );
}

#[test]
fn lighter_shades_of_brown_are_lighter_and_brown() {
    let refined = refine(logo(), "image/png", "lighter shades of brown", 0.7).unwrap();
    let data = decoded(refined.bytes);
    let middle = (32 * 64 + 32) * 3;
    let [r, g, b] = data[middle..middle + 3] else {
        panic!("no pixel")
    };
    assert!(r > 110 && r > g && g > b, "{r} {g} {b}");
    assert!(data[..3].iter().all(|value| *value > 245));
}

#[test]
fn words_that_mean_nothing_are_named() {
    let refined = refine(logo(), "image/png", "a darker dragon", 0.7).unwrap();
    assert_eq!(refined.ignored, ["dragon"]);
}

#[test]
fn a_prompt_without_a_known_word_is_refused_with_help() {
    let error = refine(logo(), "image/png", "add a dragon", 0.7).unwrap_err();
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
        let error = refine(logo(), media_type, "lighter", 0.7).unwrap_err();
        assert_eq!(error, RefineError::UnknownMediaType, "{media_type}");
    }
}
