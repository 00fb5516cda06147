mod colors;
mod geometry;
mod percentages;

use proptest::prelude::*;

use super::*;
use Quality::*;
use concept_refinement_vocabulary::{Quality, TABLE, Turn};

const BROWN: u32 = 0x8B5A2B;
const BLUE: u32 = 0x2563C9;
const GOLD: u32 = 0xCDA02E;
const RED: u32 = 0xD62828;
const NAVY: u32 = 0x1D2F5F;
const SKY: u32 = 0x6DB7E8;
const WHITE: u32 = 0xFFFFFF;
const BLACK: u32 = 0x161616;
const GREY: u32 = 0x808080;
const GREEN: u32 = 0x2E8B4A;

fn ground(color: Option<u32>, shade: f32) -> Edit {
    Edit::Ground(Ground { color, shade })
}

fn on(color: u32) -> Edit {
    ground(Some(color), 0.0)
}

/// In the background's own colour.
fn pad(pad: Pad) -> Edit {
    Edit::Pad(pad, Ground::default())
}

fn pad_in(pad: Pad, color: u32, shade: f32) -> Edit {
    let color = Some(color);
    Edit::Pad(pad, Ground { color, shade })
}

fn ink(ink: u32, paper: u32) -> Edit {
    Edit::Ink { ink, paper }
}

/// The words that nothing came of.
fn told(plan: &Plan) -> Vec<String> {
    let unused = plan.unused.iter().cloned();
    let words = unused.map(|unused| match unused {
        Unused::Unknown(words) | Unused::Undone(words) => words,
        Unused::Unwanted(words) | Unused::OfPart(words) => words,
    });
    words.collect()
}

fn adjust(quality: Quality, amount: f32) -> Edit {
    Edit::Adjust(quality, amount)
}

fn more(quality: Quality) -> Edit {
    adjust(quality, 1.0)
}

fn less(quality: Quality) -> Edit {
    adjust(quality, -1.0)
}

fn recolored(to: u32) -> Edit {
    recolor(&[to], 0.0)
}

fn recolor(to: &[u32], shade: f32) -> Edit {
    Edit::Recolor(Recolor {
        to: to.to_vec(),
        shade,
        amount: 1.0,
        with_greys: false,
    })
}

fn replace(from: u32, to: u32, shade: f32) -> Edit {
    Edit::Replace(vec![Replacement {
        from,
        to,
        shade,
        amount: 1.0,
    }])
}

fn quantize(count: u8, to: &[u32]) -> Edit {
    let to = to.to_vec();
    Edit::Quantize(Quantize { count, to })
}

fn tinge(to: u32, amount: f32) -> Edit {
    Edit::Recolor(Recolor {
        to: vec![to],
        shade: 0.0,
        amount,
        with_greys: false,
    })
}

/// The edits of prompts.
fn are_planned(cases: &[(&str, &[Edit])]) {
    for (prompt, edits) in cases {
        assert_eq!(Plan::of(prompt).edits, *edits, "{prompt}");
    }
}

/// The edits of prompts of which each word is used.
fn are_all_planned(cases: &[(&str, &[Edit])]) {
    are_planned(cases);
    for (prompt, _) in cases {
        assert_eq!(told(&Plan::of(prompt)), [""; 0], "{prompt}");
    }
}

/// The words of prompts of which nothing comes.
fn are_left_undone(cases: &[(&str, &[&str])]) {
    for (prompt, ignored) in cases {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [], "{prompt}");
        assert_eq!(told(&plan), *ignored, "{prompt}");
    }
}

#[test]
fn prompts_become_edits() {
    let cases: &[(&str, &[Edit])] = &[
        ("lighter", &[more(Lightness)]),
        ("Brighten it!", &[more(Lightness)]),
        ("make it darker", &[less(Lightness)]),
        ("warmer", &[more(Temperature)]),
        ("a cooler feeling", &[less(Temperature)]),
        ("more saturated", &[more(Saturation)]),
        ("less saturation", &[less(Saturation)]),
        ("desaturate", &[less(Saturation)]),
        ("higher contrast", &[more(Contrast)]),
        ("lower the contrast", &[less(Contrast)]),
        ("sharpen", &[more(Sharpness)]),
        ("blur it a lot", &[adjust(Sharpness, -1.5)]),
        ("less blurry", &[more(Sharpness)]),
        ("make the drop darker", &[less(Lightness)]),
        ("make the drops lighter", &[more(Lightness)]),
        ("make the water drop blue", &[recolored(BLUE)]),
        ("add a drop of blue", &[recolored(BLUE)]),
        ("use the drop logo in blue", &[recolored(BLUE)]),
        ("drop a shadow behind the logo", &[more(Shadow)]),
        ("add subtle shadows", &[adjust(Shadow, 0.5)]),
        ("add some shadows", &[more(Shadow)]),
        ("add long shadows", &[more(Shadow)]),
        ("with subtle shadows", &[adjust(Shadow, 0.5)]),
        ("shadows", &[more(Shadow)]),
        (
            "rounded corners and shadows",
            &[more(Shadow), more(Corners)],
        ),
        ("darker and shadows", &[less(Lightness), more(Shadow)]),
        ("brighter without shadows", &[more(Lightness)]),
        ("brighter, keep shadows", &[more(Lightness)]),
        ("brightness 0", &[more(Lightness)]),
        (
            "saturated, brightness 0",
            &[more(Saturation), more(Lightness)],
        ),
        ("switch from dark mode to light mode", &[less(DarkMode)]),
        ("switch from light mode to dark mode", &[more(DarkMode)]),
        (
            "like a photo from nighttime",
            &[
                adjust(Temperature, -1.0),
                adjust(Saturation, -0.4),
                adjust(Lightness, -1.5),
            ],
        ),
        ("monochrome", &[more(Monochrome)]),
        ("in black and white", &[more(Monochrome)]),
        ("without colours", &[more(Monochrome)]),
        ("simplify the shapes", &[more(Minimalism)]),
        ("use fewer colours", &[more(Minimalism)]),
        ("brown", &[recolored(BROWN)]),
        ("lighter shades of brown", &[recolor(&[BROWN], 1.0)]),
        ("light brown tones", &[recolor(&[BROWN], 1.0)]),
        ("dark blue", &[recolor(&[BLUE], -1.0)]),
        ("brown, but lighter", &[recolored(BROWN), more(Lightness)]),
        ("blue and gold", &[recolor(&[BLUE, GOLD], 0.0)]),
        ("turn it brown", &[recolored(BROWN)]),
        ("turn the left half brown", &[recolored(BROWN)]),
        (
            "rotate the bright logo -15 degrees",
            &[Edit::Rotate(345.0), more(Lightness)],
        ),
        (
            "tilt the dark photo -5 degrees",
            &[Edit::Rotate(355.0), less(Lightness)],
        ),
        (
            "straighten the dark picture by -3 degrees",
            &[Edit::Rotate(357.0), less(Lightness)],
        ),
        ("turn left side blue", &[recolored(BLUE)]),
        ("turn right eye blue", &[recolored(BLUE)]),
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
        ("it is too dark", &[more(Lightness)]),
        ("lighter and brighter", &[more(Lightness)]),
        ("lighter, no, darker", &[less(Lightness)]),
        ("keep it simple", &[more(Minimalism)]),
        (
            "Make the logo more minimalist and use lighter shades of brown",
            &[more(Minimalism), recolor(&[BROWN], 1.0)],
        ),
        (
            "sharper, warmer, simpler",
            &[more(Minimalism), more(Temperature), more(Sharpness)],
        ),
        // Impossible edits.
        ("", &[]),
        ("a dancing bear", &[]),
        ("not darker", &[]),
        ("without blur", &[]),
        ("no brown", &[]),
        ("keep the blue", &[]),
        ("less minimalist", &[]),
        ("blur the background", &[]),
    ];
    are_planned(cases);
}

#[test]
fn what_is_not_understood_is_reported() {
    let cases: &[(&str, &[&str])] = &[
        ("make the logo lighter", &[]),
        ("add a dancing bear", &["dancing", "bear"]),
        ("lighter beans, not darker", &["beans", "not darker"]),
        ("lighter on a white table", &["on white", "table"]),
        ("less minimalist", &["less minimalist"]),
        ("更亮 lighter", &["更亮"]),
    ];
    for (prompt, ignored) in cases {
        assert_eq!(told(&Plan::of(prompt)), *ignored, "{prompt}");
    }
}

#[test]
fn each_new_look_has_its_words() {
    let cases: &[(&str, &[Edit])] = &[
        ("in sepia", &[more(Sepia)]),
        (
            "give it a vintage look",
            &[
                adjust(Sepia, 0.6),
                adjust(Contrast, -0.6),
                adjust(Vignette, 0.6),
            ],
        ),
        ("only the outlines", &[more(Outline)]),
        ("turn it into line art", &[more(Outline)]),
        ("as a pencil sketch", &[more(Sketch)]),
        ("sketched", &[more(Sketch)]),
        ("pixelated", &[more(Pixelation)]),
        ("8-bit pixel art", &[more(Pixelation)]),
        ("bigger pixels", &[more(Pixelation)]),
        ("posterize", &[more(Posterization)]),
        ("pop art", &[more(Posterization), more(Saturation)]),
        ("invert the colours", &[more(Inversion)]),
        ("a photo negative", &[more(Inversion)]),
        ("add a vignette", &[more(Vignette)]),
        ("darker edges", &[more(Vignette)]),
        ("rounded corners", &[more(Corners)]),
        ("round the corners a bit", &[adjust(Corners, 0.5)]),
        ("much rounder corners", &[adjust(Corners, 1.5)]),
        ("soft colours", &[adjust(Saturation, -0.5)]),
        ("softer contrast", &[less(Contrast)]),
        ("blue sketch", &[more(Sketch), recolored(BLUE)]),
        (
            "invert, posterize, pixelate, rounded corners, sepia, outlined",
            &[
                more(Outline),
                more(Pixelation),
                more(Posterization),
                more(Inversion),
                more(Sepia),
                more(Corners),
            ],
        ),
    ];
    are_planned(cases);
}

#[test]
fn of_words_that_contradict_each_other_the_last_one_counts() {
    let plan = Plan::of("darker and lighter");
    assert_eq!(plan.edits, [more(Lightness)]);
    assert_eq!(told(&plan), ["darker"]);
    let plan = Plan::of("darker instead of lighter");
    assert_eq!(plan.edits, [less(Lightness)]);
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
        ("much less contrast", &[adjust(Contrast, LEAST_CONTRAST)]),
        (
            "very much less contrast",
            &[adjust(Contrast, LEAST_CONTRAST)],
        ),
        (
            "sharper, a bit warmer",
            &[adjust(Temperature, 0.5), more(Sharpness)],
        ),
        ("slightly blue", &[tinge(BLUE, 0.5)]),
        ("very blue", &[tinge(BLUE, 1.0)]),
        ("a touch of gold", &[tinge(GOLD, 0.5)]),
        (
            "sharper, rotate a bit",
            &[Edit::Rotate(10.0), more(Sharpness)],
        ),
        // Degrees of unknown words.
        ("darker with a bit of dragon", &[less(Lightness)]),
        ("33% darker", &[adjust(Lightness, -0.99)]),
        ("increase the brightness by 66%", &[adjust(Lightness, 1.98)]),
    ];
    are_planned(cases);
}

#[test]
fn what_is_not_wanted_is_not_done() {
    let cases: &[(&str, &[Edit], &[&str])] = &[
        ("no vignette", &[], &["not vignette"]),
        ("don't make it blue", &[], &[]),
        (
            "without blur or vignette",
            &[],
            &["not blur", "not vignette"],
        ),
        (
            "no duotone or vignette",
            &[],
            &["not duotone", "not vignette"],
        ),
        ("no blur, just darker", &[less(Lightness)], &["not blur"]),
        ("not much darker", &[], &["not darker"]),
        ("do not change the colours", &[], &[]),
        ("don't change the blue to red", &[], &[]),
        ("remove the blur", &[], &["remove blur"]),
        ("keep the contrast", &[], &["keep contrast"]),
        ("keep it sharp", &[more(Sharpness)], &[]),
        ("leave some padding", &[pad(Pad::Margin(1.0))], &[]),
        (
            "leave white margins",
            &[pad_in(Pad::Margin(1.0), WHITE, 0.0)],
            &[],
        ),
        ("leave a transparent background", &[more(Transparency)], &[]),
        (
            "leave the white space, darker",
            &[less(Lightness)],
            &["keep white space"],
        ),
        ("leave the red out", &[], &["remove red"]),
        ("never pixelated", &[], &["not pixelated"]),
        ("less sepia", &[], &["less sepia"]),
        (
            "lighter on a white background",
            &[more(Lightness), on(WHITE)],
            &[],
        ),
        (
            "a light brown background, sharper",
            &[more(Sharpness), ground(Some(BROWN), 1.0)],
            &[],
        ),
    ];
    for (prompt, edits, ignored) in cases {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, *edits, "{prompt}");
        assert_eq!(told(&plan), *ignored, "{prompt}");
    }
}

#[test]
fn a_theme_steers_where_the_prompt_says_nothing_else() {
    let steer = Edit::Steer(vec![NAVY, GOLD]);
    let theme = "Navy and gold, elegant, not brown";
    let cases: &[(&str, &[Edit])] = &[
        ("more vivid", &[steer.clone(), more(Saturation)]),
        ("minimalist", &[more(Minimalism), steer.clone()]),
        (
            "rotate, lighter",
            &[Edit::Turn(Turn::Right), steer, more(Lightness)],
        ),
        ("blue", &[recolored(BLUE)]),
        ("lighter, keep the blue", &[more(Lightness)]),
        ("replace red with blue", &[replace(RED, BLUE, 0.0)]),
        ("monochrome", &[more(Monochrome)]),
        ("darker sepia", &[more(Sepia), less(Lightness)]),
        // Not about colours.
        ("sharper", &[more(Sharpness)]),
        ("rotate", &[Edit::Turn(Turn::Right)]),
        ("rounded corners", &[more(Corners)]),
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

#[test]
fn what_is_done_to_more_than_was_asked_is_reported() {
    let colors =
        |names: &[&str]| Change::Recolored(names.iter().map(|name| (*name).to_owned()).collect());
    let cases: &[(&str, &[&str], Change)] = &[
        ("make the cup green", &["cup"], colors(&["green"])),
        (
            "make my coffee cup #abc",
            &["coffee cup"],
            colors(&["#abc"]),
        ),
        ("blue for the cup", &["cup"], colors(&["blue"])),
        (
            "make the double arrow blue",
            &["double arrow"],
            colors(&["blue"]),
        ),
        ("make the top half blue", &["top half"], colors(&["blue"])),
        ("brighten the cup", &["cup"], Change::Other),
        ("rotate the cup", &["cup"], Change::Other),
        ("make the cup transparent", &["cup"], Change::Other),
        (
            "blur the cup on the table",
            &["cup", "table"],
            Change::Other,
        ),
        ("the dragon in two colours", &["dragon"], Change::Other),
        (
            "replace the red of the car by blue",
            &["car"],
            Change::Replaced,
        ),
        ("sharper, and make the cup darker", &["cup"], Change::Other),
    ];
    for (prompt, subjects, change) in cases {
        let plan = Plan::of(prompt);
        let expected = Widened {
            subjects: subjects.iter().map(|name| (*name).to_owned()).collect(),
            change: change.clone(),
        };
        assert_eq!(plan.widened, [expected], "{prompt}");
        assert_eq!(told(&plan), [""; 0], "{prompt}");
    }
    // That of a part is told apart.
    let plan = Plan::of("make the cup blue with blue text");
    let changes: Vec<_> = plan.widened.into_iter().map(|it| it.change).collect();
    assert_eq!(changes, [colors(&["blue"])]);
    let none: &[(&str, &[&str])] = &[
        // The whole picture was meant, or nothing was done about it.
        ("make the logo green", &[]),
        ("keep brown, the rest blue", &[]),
        ("make the picture sparkly green", &["sparkly"]),
        ("cut out the product", &[]),
        ("a transparent background for the product", &[]),
        ("a see-through background for the product", &[]),
        ("put the product on a transparent backdrop", &["put"]),
        ("make the background of the cup transparent", &[]),
        ("remove the background from the product", &[]),
        ("lighter, add a dragon", &["dragon"]),
        ("lighter, remove the dragon", &["remove dragon"]),
        ("make the text green, sharper", &["text green"]),
    ];
    for (prompt, ignored) in none {
        let plan = Plan::of(prompt);
        assert_eq!(plan.widened, [], "{prompt}");
        assert_eq!(told(&plan), *ignored, "{prompt}");
    }
}

fn any_word() -> impl Strategy<Value = &'static str> {
    let words = TABLE.iter().flat_map(|entry| entry.words());
    let others = [
        ".", ",", ":", "dragon", "#abc", "45", "°", "\n", "20%", "-300%", "0%", "minus",
    ];
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
