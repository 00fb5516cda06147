use proptest::prelude::*;

use super::*;
use Quality::*;

const BROWN: u32 = 0x8B5A2B;
const BLUE: u32 = 0x2563C9;
const GOLD: u32 = 0xCDA02E;
const RED: u32 = 0xD62828;

fn adjust(quality: Quality, amount: f32) -> Edit {
    Edit::Adjust(quality, amount)
}

fn recolor(to: &[u32], shade: f32) -> Edit {
    Edit::Recolor(Recolor {
        from: None,
        to: to.to_vec(),
        shade,
    })
}

fn replace(from: u32, to: u32, shade: f32) -> Edit {
    Edit::Recolor(Recolor {
        from: Some(from),
        to: vec![to],
        shade,
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
        ("blur it a lot", &[adjust(Sharpness, -1.0)]),
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
        // Nothing that can be done.
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
        ("keep the blue", &["blue"]),
        ("更亮 lighter", &["更亮"]),
    ];
    for (prompt, ignored) in cases {
        assert_eq!(Plan::of(prompt).ignored, *ignored, "{prompt}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read(prompt in ".{0,300}") {
        Plan::of(&prompt);
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
