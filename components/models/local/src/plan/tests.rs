use proptest::prelude::*;

use super::*;
use crate::vocabulary::{Quality, TABLE, Turn};
use Quality::*;

const BROWN: u32 = 0x8B5A2B;
const BLUE: u32 = 0x2563C9;
const GOLD: u32 = 0xCDA02E;
const RED: u32 = 0xD62828;
const NAVY: u32 = 0x1D2F5F;

fn adjust(quality: Quality, amount: f32) -> Edit {
    Edit::Adjust(quality, amount)
}

fn recolor(to: &[u32], shade: f32) -> Edit {
    Edit::Recolor(Recolor {
        from: None,
        to: to.to_vec(),
        shade,
        amount: 1.0,
    })
}

fn replace(from: u32, to: u32, shade: f32) -> Edit {
    Edit::Recolor(Recolor {
        from: Some(from),
        to: vec![to],
        shade,
        amount: 1.0,
    })
}

fn tinge(to: u32, amount: f32) -> Edit {
    Edit::Recolor(Recolor {
        from: None,
        to: vec![to],
        shade: 0.0,
        amount,
    })
}

#[test]
fn prompts_become_edits() {
    let cases: &[(&str, &[Edit])] = &[
        ("lighter", &[adjust(Lightness, 1.0)]),
        ("Brighten it!", &[adjust(Lightness, 1.0)]),
        ("make it darker", &[adjust(Lightness, -1.0)]),
        ("warmer", &[adjust(Temperature, 1.0)]),
        ("a cooler feeling", &[adjust(Temperature, -1.0)]),
        ("more saturated", &[adjust(Saturation, 1.0)]),
        ("less saturation", &[adjust(Saturation, -1.0)]),
        ("desaturate", &[adjust(Saturation, -1.0)]),
        ("higher contrast", &[adjust(Contrast, 1.0)]),
        ("lower the contrast", &[adjust(Contrast, -1.0)]),
        ("sharpen", &[adjust(Sharpness, 1.0)]),
        ("blur it a lot", &[adjust(Sharpness, -1.5)]),
        ("less blurry", &[adjust(Sharpness, 1.0)]),
        ("monochrome", &[adjust(Monochrome, 1.0)]),
        ("in black and white", &[adjust(Monochrome, 1.0)]),
        ("without colours", &[adjust(Monochrome, 1.0)]),
        ("simplify the shapes", &[adjust(Minimalism, 1.0)]),
        ("use fewer colours", &[adjust(Minimalism, 1.0)]),
        ("brown", &[recolor(&[BROWN], 0.0)]),
        ("lighter shades of brown", &[recolor(&[BROWN], 1.0)]),
        ("light brown tones", &[recolor(&[BROWN], 1.0)]),
        ("dark blue", &[recolor(&[BLUE], -1.0)]),
        (
            "brown, but lighter",
            &[recolor(&[BROWN], 0.0), adjust(Lightness, 1.0)],
        ),
        ("blue and gold", &[recolor(&[BLUE, GOLD], 0.0)]),
        ("turn it brown", &[recolor(&[BROWN], 0.0)]),
        ("change the red to blue", &[replace(RED, BLUE, 0.0)]),
        (
            "replace red with a lighter blue",
            &[replace(RED, BLUE, 1.0)],
        ),
        (
            "pale brown",
            &[recolor(&[BROWN], 0.8), adjust(Saturation, -0.4)],
        ),
        ("slightly warmer", &[adjust(Temperature, 0.5)]),
        ("much darker", &[adjust(Lightness, -1.5)]),
        ("a bit less contrast", &[adjust(Contrast, -0.5)]),
        ("it is too dark", &[adjust(Lightness, 1.0)]),
        ("lighter and brighter", &[adjust(Lightness, 1.0)]),
        ("lighter, no, darker", &[adjust(Lightness, -1.0)]),
        ("keep it simple", &[adjust(Minimalism, 1.0)]),
        (
            "Make the logo more minimalist and use lighter shades of brown",
            &[adjust(Minimalism, 1.0), recolor(&[BROWN], 1.0)],
        ),
        (
            "sharper, warmer, simpler",
            &[
                adjust(Minimalism, 1.0),
                adjust(Temperature, 1.0),
                adjust(Sharpness, 1.0),
            ],
        ),
        // Impossible edits.
        ("", &[]),
        ("a dancing bear", &[]),
        ("not darker", &[]),
        ("without blur", &[]),
        ("no brown", &[]),
        ("keep the blue", &[]),
        ("less minimalist", &[]),
        ("on a white background", &[]),
        ("blur the background", &[]),
        ("a darker background", &[]),
    ];
    for (prompt, edits) in cases {
        assert_eq!(Plan::of(prompt).edits, *edits, "{prompt}");
    }
}

#[test]
fn what_is_not_understood_is_reported() {
    let cases: &[(&str, &[&str])] = &[
        ("make the logo lighter", &[]),
        ("add a dancing bear", &["dancing", "bear"]),
        ("lighter beans, not darker", &["beans", "not darker"]),
        ("lighter on a white background", &["white background"]),
        ("less minimalist", &["less minimalist"]),
        ("keep the blue", &["keep blue"]),
        ("更亮 lighter", &["更亮"]),
    ];
    for (prompt, ignored) in cases {
        assert_eq!(Plan::of(prompt).ignored, *ignored, "{prompt}");
    }
}

#[test]
fn each_new_look_has_its_words() {
    let cases: &[(&str, &[Edit])] = &[
        ("in sepia", &[adjust(Sepia, 1.0)]),
        (
            "give it a vintage look",
            &[
                adjust(Sepia, 0.6),
                adjust(Contrast, -0.6),
                adjust(Vignette, 0.6),
            ],
        ),
        ("only the outlines", &[adjust(Outline, 1.0)]),
        ("turn it into line art", &[adjust(Outline, 1.0)]),
        ("as a pencil sketch", &[adjust(Sketch, 1.0)]),
        ("sketched", &[adjust(Sketch, 1.0)]),
        ("pixelated", &[adjust(Pixelation, 1.0)]),
        ("8-bit pixel art", &[adjust(Pixelation, 1.0)]),
        ("posterize", &[adjust(Posterization, 1.0)]),
        (
            "pop art",
            &[adjust(Posterization, 1.0), adjust(Saturation, 1.0)],
        ),
        ("invert the colours", &[adjust(Inversion, 1.0)]),
        ("a photo negative", &[adjust(Inversion, 1.0)]),
        ("add a vignette", &[adjust(Vignette, 1.0)]),
        ("darker edges", &[adjust(Vignette, 1.0)]),
        ("rounded corners", &[adjust(Corners, 1.0)]),
        ("round the corners a bit", &[adjust(Corners, 0.5)]),
        ("much rounder corners", &[adjust(Corners, 1.5)]),
        ("crop it to a circle", &[adjust(Corners, 4.0)]),
        ("soft colours", &[adjust(Saturation, -1.0)]),
        ("softer contrast", &[adjust(Contrast, -1.0)]),
        ("blue sketch", &[adjust(Sketch, 1.0), recolor(&[BLUE], 0.0)]),
        (
            "invert, posterize, pixelate, rounded corners, sepia, outlined",
            &[
                adjust(Outline, 1.0),
                adjust(Pixelation, 1.0),
                adjust(Posterization, 1.0),
                adjust(Inversion, 1.0),
                adjust(Sepia, 1.0),
                adjust(Corners, 1.0),
            ],
        ),
    ];
    for (prompt, edits) in cases {
        assert_eq!(Plan::of(prompt).edits, *edits, "{prompt}");
    }
}

#[test]
fn a_background_can_be_made_transparent() {
    let wanted = [
        "transparent background",
        "on a transparent background",
        "make the background transparent",
        "remove the background",
        "without background",
        "no background, please",
        "cut out the background",
        "please make it transparent",
    ];
    for prompt in wanted {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [adjust(Transparency, 1.0)], "{prompt}");
        assert_eq!(plan.ignored, [""; 0], "{prompt}");
    }
    let unwanted: &[(&str, &[&str])] = &[
        (
            "not a transparent background",
            &["not transparent background"],
        ),
        ("don't remove the background", &["background"]),
        ("without a busy background", &["busy", "background"]),
        ("keep the background", &["background"]),
        ("no changes to the background", &["background"]),
        ("no background changes", &["background changes"]),
        ("do not touch the background", &["touch", "background"]),
        ("make the text transparent", &["text transparent"]),
        ("a clear background", &["clear background"]),
        ("make the background blue", &["background blue"]),
        ("change the background to white", &["background white"]),
        ("the background is too dark", &["background dark"]),
        ("remove the text", &["text"]),
    ];
    for (prompt, ignored) in unwanted {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [], "{prompt}");
        assert_eq!(plan.ignored, *ignored, "{prompt}");
    }
    let both = Plan::of("a blue logo without background");
    assert_eq!(
        both.edits,
        [adjust(Transparency, 1.0), recolor(&[BLUE], 0.0)]
    );
}

#[test]
fn images_are_turned_as_the_prompt_says() {
    let cases: &[(&str, &[Turn])] = &[
        ("rotate", &[Turn::Right]),
        ("rotate it by 90 degrees", &[Turn::Right]),
        ("rotate 90° clockwise", &[Turn::Right]),
        ("rotate the logo to the left", &[Turn::Left]),
        ("rotate 90 degrees counter-clockwise", &[Turn::Left]),
        ("rotate by 270 degrees", &[Turn::Left]),
        ("rotate left by 270 degrees", &[Turn::Right]),
        ("rotate 180", &[Turn::Half]),
        ("a 180-degree rotation", &[Turn::Half]),
        ("rotate it upside down", &[Turn::Half]),
        ("upside down", &[Turn::Half]),
        ("turn it upside down", &[Turn::Half]),
        ("flip", &[Turn::Mirror]),
        ("mirrored", &[Turn::Mirror]),
        ("flip it horizontally", &[Turn::Mirror]),
        ("flip vertically", &[Turn::Flip]),
        ("vertical flip", &[Turn::Flip]),
        ("flip it upside down", &[Turn::Flip]),
        ("crop to a square", &[Turn::Square]),
        ("square crop", &[Turn::Square]),
        ("crop the image square", &[Turn::Square]),
        ("make it square", &[Turn::Square]),
        ("rotate left, then flip", &[Turn::Left, Turn::Mirror]),
        ("flip and rotate left", &[Turn::Mirror, Turn::Left]),
        ("rotate, rotate", &[Turn::Right, Turn::Right]),
    ];
    for (prompt, turns) in cases {
        let plan = Plan::of(prompt);
        let expected: Vec<_> = turns.iter().copied().map(Edit::Turn).collect();
        assert_eq!(plan.edits, expected, "{prompt}");
        assert_eq!(plan.ignored, [""; 0], "{prompt}");
    }
    let left_undone: &[(&str, &[&str])] = &[
        ("rotate by 45 degrees", &["rotate 45"]),
        ("rotate 22.5 degrees", &["rotate 22", "5"]),
        ("a 45 degree rotation", &["rotation 45"]),
        ("rotate it slightly", &["slightly rotate"]),
        ("slightly rotated", &["slightly rotated"]),
        ("don't rotate it left", &["not rotate", "left"]),
        ("no rotation", &["not rotation"]),
        ("crop the top", &["top", "crop"]),
        ("the square on the left", &["square", "left"]),
        (
            "do not flip or crop it square",
            &["not flip", "not crop", "square"],
        ),
    ];
    for (prompt, ignored) in left_undone {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [], "{prompt}");
        assert_eq!(plan.ignored, *ignored, "{prompt}");
    }
    let first = Plan::of("darker, rotated left, minimalist").edits;
    assert_eq!(first.first(), Some(&Edit::Turn(Turn::Left)));
}

#[test]
fn degrees_come_before_or_after() {
    let cases: &[(&str, &[Edit])] = &[
        ("a little darker", &[adjust(Lightness, -0.5)]),
        ("darken it slightly", &[adjust(Lightness, -0.5)]),
        ("darker, but only a bit", &[adjust(Lightness, -0.5)]),
        ("very, very sharp", &[adjust(Sharpness, 1.5)]),
        ("very very sharp", &[adjust(Sharpness, 2.0)]),
        ("stronger contrast", &[adjust(Contrast, 1.5)]),
        ("strongly pixelated", &[adjust(Pixelation, 1.5)]),
        ("a subtle vignette", &[adjust(Vignette, 0.5)]),
        ("much less contrast", &[adjust(Contrast, -1.5)]),
        (
            "sharper, a bit warmer",
            &[adjust(Temperature, 0.5), adjust(Sharpness, 1.0)],
        ),
        ("slightly blue", &[tinge(BLUE, 0.5)]),
        ("very blue", &[tinge(BLUE, 1.0)]),
        ("a touch of gold", &[tinge(GOLD, 0.5)]),
        // Degrees of unknown words.
        ("darker with a bit of dragon", &[adjust(Lightness, -1.0)]),
    ];
    for (prompt, edits) in cases {
        assert_eq!(Plan::of(prompt).edits, *edits, "{prompt}");
    }
}

#[test]
fn what_is_not_wanted_is_not_done() {
    let cases: &[(&str, &[Edit], &[&str])] = &[
        ("no vignette", &[], &["not vignette"]),
        ("don't make it blue", &[], &["not blue"]),
        (
            "without blur or vignette",
            &[],
            &["not blur", "not vignette"],
        ),
        (
            "no blur, just darker",
            &[adjust(Lightness, -1.0)],
            &["not blur"],
        ),
        ("not much darker", &[], &["not darker"]),
        ("do not change the colours", &[], &[]),
        (
            "don't change the blue to red",
            &[],
            &["keep blue", "keep red"],
        ),
        ("remove the blur", &[], &["not blur"]),
        ("keep the contrast", &[], &["keep contrast"]),
        ("keep it sharp", &[adjust(Sharpness, 1.0)], &[]),
        ("never pixelated", &[], &["not pixelated"]),
        ("less sepia", &[], &["less sepia"]),
        (
            "lighter on a white background",
            &[adjust(Lightness, 1.0)],
            &["white background"],
        ),
        (
            "a light brown background, sharper",
            &[adjust(Sharpness, 1.0)],
            &["brown background"],
        ),
    ];
    for (prompt, edits, ignored) in cases {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, *edits, "{prompt}");
        assert_eq!(plan.ignored, *ignored, "{prompt}");
    }
}

#[test]
fn a_theme_steers_where_the_prompt_says_nothing_else() {
    let steer = Edit::Steer(vec![NAVY, GOLD]);
    let theme = "Navy and gold, elegant, not brown";
    let cases: &[(&str, &[Edit])] = &[
        ("more vivid", &[steer.clone(), adjust(Saturation, 1.0)]),
        ("minimalist", &[adjust(Minimalism, 1.0), steer.clone()]),
        (
            "rotate, lighter",
            &[Edit::Turn(Turn::Right), steer, adjust(Lightness, 1.0)],
        ),
        ("blue", &[recolor(&[BLUE], 0.0)]),
        ("lighter, keep the blue", &[adjust(Lightness, 1.0)]),
        ("replace red with blue", &[replace(RED, BLUE, 0.0)]),
        ("monochrome", &[adjust(Monochrome, 1.0)]),
        (
            "darker sepia",
            &[adjust(Sepia, 1.0), adjust(Lightness, -1.0)],
        ),
        // Not about colours.
        ("sharper", &[adjust(Sharpness, 1.0)]),
        ("rotate", &[Edit::Turn(Turn::Right)]),
        ("rounded corners", &[adjust(Corners, 1.0)]),
        ("a dancing bear", &[]),
    ];
    for (prompt, edits) in cases {
        assert_eq!(Plan::of(prompt).themed(theme).edits, *edits, "{prompt}");
    }
    for theme in ["", "modern, friendly", "no blue", "without gold or red"] {
        let plan = Plan::of("lighter");
        assert_eq!(plan.clone().themed(theme), plan, "{theme}");
    }
}

fn any_word() -> impl Strategy<Value = &'static str> {
    let words = TABLE.iter().flat_map(|entry| entry.words());
    let others = [".", ",", "dragon", "45", "°", "\n"];
    proptest::sample::select(words.chain(others).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn any_text_is_read(prompt in ".{0,300}", theme in ".{0,100}") {
        Plan::of(&prompt).themed(&theme);
    }

    /// Any combination of words: amounts stay within bounds, and each quality
    /// is changed once.
    #[test]
    fn any_words_are_read(
        words in proptest::collection::vec(any_word(), 0..24),
        theme in proptest::collection::vec(any_word(), 0..6),
    ) {
        let plan = Plan::of(&words.join(" ")).themed(&theme.join(" "));
        let mut qualities = Vec::new();
        for edit in &plan.edits {
            if let Edit::Adjust(quality, amount) = edit {
                qualities.push(*quality);
                prop_assert!(amount.is_finite() && amount.abs() <= 16.0, "{edit:?}");
                prop_assert!(*amount > 0.0 || quality.can_be_less(), "{edit:?}");
            }
        }
        prop_assert!(qualities.is_sorted_by(|one, other| one < other), "{qualities:?}");
    }

    #[test]
    fn the_order_of_words_does_not_matter(
        words in Just(vec!["minimalist", "warmer", "contrast", "sharper", "less saturated"])
            .prop_shuffle()
    ) {
        let shuffled = Plan::of(&words.join(", "));
        let sorted = Plan::of("minimalist, warmer, contrast, sharper, less saturated");
        prop_assert_eq!(shuffled.edits, sorted.edits);
    }
}
