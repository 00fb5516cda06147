mod prompts;

use concept_refinement_vocabulary as vocabulary;
use proptest::prelude::*;

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
    codec::file_with(&Pixels::new(64, 64, false, data).unwrap(), Format::Png)
}

fn decoded(file: Vec<u8>) -> Vec<u8> {
    codec::decode(file, Format::Png)
        .unwrap()
        .pixels
        .data()
        .to_vec()
}

fn size(answer: &Refined) -> (u32, u32) {
    let format = Format::from_media_type(answer.media_type).unwrap();
    let pixels = codec::decode(answer.bytes.clone(), format).unwrap().pixels;
    (pixels.width(), pixels.height())
}

fn refined(prompt: &str, strength: f32) -> Result<Refined, RefineError> {
    let request = Request {
        strength,
        ..request("image/png", prompt)
    };
    refine(logo(), &request)
}

/// Without a theme, at the usual strength.
fn request<'a>(media_type: &'a str, prompt: &'a str) -> Request<'a> {
    Request {
        media_type,
        prompt,
        theme: None,
        strength: 0.7,
    }
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
fn more_than_the_full_strength_is_the_full_one() {
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
fn a_refusal_says_what_is_true_of_the_prompt() {
    let cases = [
        ("add a dragon", "has none for: dragon"),
        ("a cool logo", "has none for: cool logo"),
        ("less sepia", "has none for: less sepia"),
        ("remove the text", "cannot tell other parts apart (text)"),
        (
            "make the text bold",
            "cannot tell other parts apart (text bold)",
        ),
        (
            "remove the leaves",
            "can only remove the background, and not what else the picture shows (leaves)",
        ),
        (
            "crop",
            "can only crop to a square, to a circle, to a ratio such as 16:9, or tighter",
        ),
        ("cropped", "can only crop to a square"),
        ("resize to a width of 300", "to a size such as 1024x1024"),
        ("resize to 20000x100", "at most 16,384 pixels a side"),
        ("scale to 1000%", "up to 8x"),
        ("10x bigger", "up to 8x"),
        (
            "replace red with #12345",
            "has none for: 12345, replace red",
        ),
        ("instagram square", "has none for: instagram, square"),
        ("remove white", "it makes a colour transparent"),
        (
            "remove the leaves, remove the cup",
            "what else the picture shows (leaves, cup)",
        ),
        ("improve it", "names no change"),
        ("not too dark", "names no change"),
        ("plus minimaliste", "This model reads English"),
        ("mach es wärmer und heller", "This model reads English"),
        ("haz el fondo blanco", "This model reads English"),
        ("film noir", "has none for: film, noir"),
        ("pour tea into the cup", "has none for: pour, tea, cup"),
        ("背景を白に", "This model reads English"),
    ];
    for (prompt, expected) in cases {
        let error = refined(prompt, 0.7).unwrap_err();
        assert!(
            matches!(error, RefineError::NothingToDo(_)),
            "{prompt}: {error:?}"
        );
        let sentence = error.to_string();
        assert!(sentence.contains(expected), "{prompt}: {sentence}");
        // The service cuts sentences off at 1,000 characters.
        assert!(sentence.len() < 400, "{prompt}: {sentence}");
    }
}

#[test]
fn a_result_that_equals_the_original_is_refused_with_the_reason() {
    let cases = [
        (
            "replace blue with green",
            0.7,
            "there is no blue in this picture.",
        ),
        (
            "make the green darker",
            0.7,
            "there is no green in this picture.",
        ),
        ("less purple", 0.7, "there is no purple in this picture."),
        (
            "crop to a square",
            0.7,
            "the picture is already as the prompt asks.",
        ),
        ("minimalist, blue, blurry", 0.0, "the strength is 0."),
        ("blue", f32::NAN, "the strength is 0."),
        ("blue", -1.0, "the strength is 0."),
    ];
    for (prompt, strength, reason) in cases {
        let error = refined(prompt, strength).unwrap_err();
        let expected = format!("nothing would change: {reason}");
        assert_eq!(error.to_string(), expected, "{prompt}");
    }
}

#[test]
fn what_would_be_too_large_is_refused_before_anything_is_done() {
    let error = refined("resize to 16000x16000", 0.7).unwrap_err();
    assert_eq!(error, RefineError::TooLarge);
    assert_eq!(size(&refined("4x", 0.7).unwrap()), (256, 256));
    // Each edit is small, and all together are not.
    for (part, times) in [("padding, ", 60), ("rotate by 45 degrees, ", 30)] {
        let error = refined(&part.repeat(times), 0.7).unwrap_err();
        assert_eq!(error, RefineError::TooLarge, "{part}");
    }
}

#[test]
fn other_media_types_are_refused() {
    for media_type in ["image/tiff", "text/html", "", "image/png; charset=x"] {
        let error = refine(logo(), &request(media_type, "lighter")).unwrap_err();
        assert_eq!(error, RefineError::UnknownMediaType, "{media_type}");
    }
}

#[test]
fn what_becomes_transparent_is_answered_in_a_format_that_can_show_it() {
    let square = Pixels::new(24, 16, false, vec![200; 24 * 16 * 3]).unwrap();
    let cases = [
        (Format::Jpeg, "rounded corners", "image/png"),
        (Format::Jpeg, "transparent background", "image/png"),
        (Format::Jpeg, "darker", "image/jpeg"),
        (Format::Gif, "rounded corners", "image/png"),
        (Format::Png, "rounded corners", "image/png"),
        (Format::Webp, "rounded corners", "image/webp"),
        (Format::Webp, "transparent background", "image/webp"),
    ];
    for (format, prompt, expected) in cases {
        let request = request(format.media_type(), prompt);
        let answer = refine(codec::file_with(&square, format), &request).unwrap();
        assert_eq!(answer.media_type, expected, "{format:?}, {prompt}");
        let format = Format::from_media_type(expected).unwrap();
        let pixels = codec::decode(answer.bytes, format).unwrap().pixels;
        let corner = pixels.iter().next().unwrap();
        assert_eq!(crate::pixels::alpha(corner) < 255, prompt != "darker");
    }
}

#[test]
fn a_theme_is_heeded_and_does_not_do_for_a_prompt() {
    let themed = |prompt, theme| {
        let request = Request {
            theme,
            ..request("image/png", prompt)
        };
        refine(logo(), &request)
    };
    let plain = themed("lighter", None).unwrap();
    assert_eq!(themed("lighter", Some("modern")).unwrap(), plain);
    assert_ne!(themed("lighter", Some("navy")).unwrap(), plain);
    let error = themed("add a dragon", Some("navy")).unwrap_err();
    assert!(matches!(error, RefineError::NothingToDo(_)), "{error}");
}

#[test]
fn what_was_done_to_more_than_was_asked_is_told() {
    let note = "Made the whole picture green: this model cannot tell the cup from the rest.";
    assert_eq!(refined("make the cup green", 0.7).unwrap().notes, [note]);
}

#[test]
fn a_background_that_cannot_be_found_is_left_alone() {
    let data =
        (0..48 * 48_u32).flat_map(|place| [(place % 47 * 85) as u8, (place % 31 * 61) as u8, 9]);
    let photo = Pixels::new(48, 48, false, data.collect()).unwrap();
    let request = request("image/png", "remove the background");
    let error = refine(codec::file_with(&photo, Format::Png), &request).unwrap_err();
    let reason = "nothing would change: the background was left as it is";
    assert!(error.to_string().starts_with(reason), "{error}");
    // That of the disk is found.
    assert_eq!(refined(request.prompt, 0.7).unwrap().notes, [""; 0]);
}

/// A triangle of this grey on nothing.
fn icon(level: u8) -> Vec<u8> {
    let pixel = |place: u32| {
        let (x, y) = (place % 48, place / 48);
        let is_within = (8..40).contains(&y) && x.abs_diff(24) * 2 < y - 8;
        [level, level, level, if is_within { 255 } else { 0 }]
    };
    let pixels = Pixels::new(48, 48, true, (0..48 * 48).flat_map(pixel).collect());
    codec::file_with(&pixels.unwrap(), Format::Png)
}

#[test]
fn a_shape_in_alpha_alone_is_changed() {
    for prompt in ["upside down", "blur", "crop tighter"] {
        let answer = refine(icon(0), &request("image/png", prompt)).unwrap();
        assert_eq!(answer.notes, [""; 0], "{prompt}");
        assert_ne!(decoded(answer.bytes), decoded(icon(0)), "{prompt}");
    }
}

#[test]
fn a_white_icon_on_nothing_gets_exactly_the_named_color() {
    for (prompt, color) in [("in navy", [0x1D, 0x2F, 0x5F]), ("red", [0xD6, 0x28, 0x28])] {
        let answer = refine(icon(255), &request("image/png", prompt)).unwrap();
        assert_eq!(answer.notes, [""; 0], "{prompt}");
        let data = decoded(answer.bytes);
        let mut seen = data.chunks_exact(4).filter(|pixel| pixel[3] == 255);
        assert!(seen.all(|pixel| pixel[..3] == color), "{prompt}");
    }
}

#[test]
fn what_stands_on_nothing_is_seen_on_any_ground() {
    for (prompt, dark, light) in [("dark mode", true, false), ("light mode", false, true)] {
        for (level, is_changed) in [(0, dark), (255, light)] {
            let answer = refine(icon(level), &request("image/png", prompt));
            assert_eq!(answer.is_ok(), is_changed, "{prompt}: {level}");
        }
    }
}

#[test]
fn a_shadow_beside_a_sharp_edge_is_a_change() {
    let data = (0..48 * 48_u32).flat_map(|place| {
        let is_within = [place % 48, place / 48]
            .iter()
            .all(|at| (12..36).contains(at));
        [9, 9, 200, if is_within { 255 } else { 0 }]
    });
    let square = Pixels::new(48, 48, true, data.collect()).unwrap();
    let request = request("image/png", "add a shadow");
    let answer = refine(codec::file_with(&square, Format::Png), &request).unwrap();
    assert_eq!(answer.notes, [""; 0]);
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
                prop_assert!(after.width().max(after.height()) <= 16_000);
                prop_assert!(answer.notes.iter().all(|note| note.chars().count() <= 200));
            }
            Err(error) => prop_assert!(
                matches!(
                    error,
                    RefineError::NothingToDo(_) | RefineError::NothingChanged(_) | RefineError::TooLarge
                ),
                "{error}"
            ),
        }
    }
}

#[test]
fn what_is_to_be_preserved_stays() {
    let preserving = |prompt: &str, aspects: &str| {
        refined(
            &format!("{prompt} Preserve the following aspects: {aspects}"),
            0.7,
        )
    };
    let all = refined("warmer, rotate left", 0.7).unwrap();
    let turned = refined("rotate left", 0.7).unwrap();
    let warmer = refined("warmer", 0.7).unwrap();
    let colors = preserving("warmer, rotate left", "colors").unwrap();
    let layout = preserving("warmer, rotate left", "layout, style").unwrap();
    assert_eq!(colors.bytes, turned.bytes);
    assert_eq!(layout.bytes, warmer.bytes);
    let left_out = |refined: &Refined| refined.notes.first().cloned();
    assert_eq!(
        left_out(&colors),
        Some("Left out what would have changed: colors.".to_owned())
    );
    assert_eq!(
        left_out(&layout),
        Some("Left out what would have changed: layout.".to_owned())
    );
    // What is not concerned is not mentioned.
    assert_eq!(preserving("warmer, rotate left", "shapes").unwrap(), all);
    assert_eq!(
        preserving("warmer, rotate left", "layout, colors"),
        Err(RefineError::Preserved("layout, colors".to_owned()))
    );
}
