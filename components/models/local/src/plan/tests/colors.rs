//! Colours of the picture and of its background: what becomes what, and how many are left.

use super::*;

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
        "drop the background",
        "please make it transparent",
        "remove the white background",
        "remove the dark blue background",
        "no white background",
        "remove the background from the red logo",
        "make the white background transparent",
        "turn the white background transparent",
    ];
    for prompt in wanted {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [more(Transparency)], "{prompt}");
        assert_eq!(told(&plan), [""; 0], "{prompt}");
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
        ("do not touch the background", &["background"]),
        ("make the text transparent", &["text transparent"]),
        ("make the shadows lighter", &["shadows lighter"]),
        ("lighten the shadows", &["lighten shadows"]),
        ("soften the shadows", &["soften shadows"]),
        ("darker shadows", &["darker shadows"]),
        ("make the background less white", &["background less white"]),
        ("make the text less red", &["text less red"]),
        ("a clear background", &["clear background"]),
        ("remove the text", &["text"]),
        ("change the white margins to black", &["margins black"]),
        ("make the sky blue", &["sky blue"]),
        ("turn the sky blue", &["sky blue"]),
        ("make the sky green", &["sky green"]),
        ("a blue sky", &["blue sky"]),
    ];
    are_left_undone(unwanted);
    let both = Plan::of("a blue logo without background");
    assert_eq!(both.edits, [more(Transparency), recolored(BLUE)]);
}

#[test]
fn a_background_gets_a_color() {
    let cases: &[(&str, &[Edit])] = &[
        ("white background", &[on(WHITE)]),
        ("pure white background", &[on(WHITE)]),
        ("on a white background", &[on(WHITE)]),
        ("a plain white background", &[more(Minimalism), on(WHITE)]),
        ("make the background blue", &[on(BLUE)]),
        ("change the background to white", &[on(WHITE)]),
        ("background: gold", &[on(GOLD)]),
        ("make the background more blue", &[on(BLUE)]),
        (
            "change the background to light blue",
            &[ground(Some(BLUE), 1.0)],
        ),
        (
            "the background should be dark blue",
            &[ground(Some(BLUE), -1.0)],
        ),
        (
            "replace the white background with light blue",
            &[ground(Some(BLUE), 1.0)],
        ),
        ("background in pale blue", &[ground(Some(BLUE), 0.8)]),
        (
            "a white background and light blue",
            &[recolor(&[BLUE], 1.0), on(WHITE)],
        ),
        (
            "gold logo on pale blue",
            &[recolored(GOLD), ground(Some(BLUE), 0.8)],
        ),
        ("switch to a white background", &[on(WHITE)]),
        (
            "change to a light blue background",
            &[ground(Some(BLUE), 1.0)],
        ),
        ("replace the white background with blue", &[on(BLUE)]),
        ("make the white background blue", &[on(BLUE)]),
        (
            "make white background with blue logo",
            &[recolored(BLUE), on(WHITE)],
        ),
        (
            "remove the background and replace it with white",
            &[more(Transparency), on(WHITE)],
        ),
        ("white logo on a navy background", &[ink(WHITE, NAVY)]),
        ("white logo, black background", &[ink(WHITE, BLACK)]),
        ("darker background", &[ground(None, -1.0)]),
        ("a dark blue background", &[ground(Some(BLUE), -1.0)]),
        ("the background is too dark", &[ground(None, 1.0)]),
        ("solid background", &[ground(None, 0.0)]),
        ("blue on gold", &[recolored(BLUE), on(GOLD)]),
        ("black logo on white", &[ink(BLACK, WHITE)]),
        ("the black logo on white", &[on(WHITE)]),
        ("white on black", &[ink(WHITE, BLACK)]),
    ];
    are_all_planned(cases);
}

#[test]
fn colors_take_each_others_place() {
    use Edit::{Alter, Shift};
    let pair = |from, to| Replacement {
        from,
        to,
        shade: 0.0,
        amount: 1.0,
    };
    let swap = || Edit::Replace(vec![pair(RED, BLUE), pair(BLUE, RED)]);
    let to_gold = [Edit::Replace(vec![pair(RED, GOLD), pair(NAVY, GOLD)])];
    let duotone = [quantize(2, &[NAVY, GOLD])];
    let cases: &[(&str, &[Edit])] = &[
        ("blue instead of red", &[replace(RED, BLUE, 0.0)]),
        ("use blue rather than red", &[replace(RED, BLUE, 0.0)]),
        ("instead of red use blue", &[replace(RED, BLUE, 0.0)]),
        ("in blue, not red", &[replace(RED, BLUE, 0.0)]),
        ("make the red blue", &[replace(RED, BLUE, 0.0)]),
        ("turn red to blue, blue to red", &[swap()]),
        (
            "replace red with blue, navy with gold",
            &[Edit::Replace(vec![pair(RED, BLUE), pair(NAVY, GOLD)])],
        ),
        ("red to blue", &[replace(RED, BLUE, 0.0)]),
        ("recolour the red to blue", &[replace(RED, BLUE, 0.0)]),
        ("red → blue", &[replace(RED, BLUE, 0.0)]),
        ("red ➜ blue", &[replace(RED, BLUE, 0.0)]),
        ("red ⟶ blue", &[replace(RED, BLUE, 0.0)]),
        ("red > blue", &[replace(RED, BLUE, 0.0)]),
        ("#d62828 > blue", &[replace(RED, BLUE, 0.0)]),
        ("red -> dark blue", &[replace(RED, BLUE, -1.0)]),
        ("dark red into blue", &[replace(RED, BLUE, 0.0)]),
        ("the red should be blue", &[replace(RED, BLUE, 0.0)]),
        ("red becomes blue, blue becomes red", &[swap()]),
        ("blue with gold", &[recolor(&[BLUE, GOLD], 0.0)]),
        (
            "change the background to transparent and make the logo blue with gold",
            &[more(Transparency), recolor(&[BLUE, GOLD], 0.0)],
        ),
        (
            "change the background to transparent and use only navy and gold",
            &[more(Transparency), quantize(2, &[NAVY, GOLD])],
        ),
        ("red to #00aa55", &[replace(RED, 0x00AA55, 0.0)]),
        ("green to blue", &[replace(GREEN, BLUE, 0.0)]),
        ("brown should be blue", &[replace(BROWN, BLUE, 0.0)]),
        ("add blue to white", &[recolor(&[BLUE, WHITE], 0.0)]),
        (
            "add blue to white background",
            &[recolored(BLUE), on(WHITE)],
        ),
        (
            "red and blue should be gold",
            &[recolor(&[RED, BLUE, GOLD], 0.0)],
        ),
        ("the logo should be blue", &[recolored(BLUE)]),
        ("the red should be darker", &[Alter(RED, Lightness, -1.0)]),
        ("swap red and blue", &[swap()]),
        ("swap red with blue", &[swap()]),
        ("turn the red blue", &[replace(RED, BLUE, 0.0)]),
        ("change the logo to blue", &[recolored(BLUE)]),
        ("replace dark red with blue", &[replace(RED, BLUE, 0.0)]),
        ("replace the sky blue with navy", &[replace(SKY, NAVY, 0.0)]),
        ("make the sky blue darker", &[Alter(SKY, Lightness, -1.0)]),
        ("turn the logo light blue", &[recolor(&[BLUE], 1.0)]),
        (
            "turn red to blue, navy to gold",
            &[Edit::Replace(vec![pair(RED, BLUE), pair(NAVY, GOLD)])],
        ),
        ("replace red and navy with gold", &to_gold),
        ("gold instead of red and navy", &to_gold),
        ("less red and blue", &[Shift(RED, -1.0), Shift(BLUE, -1.0)]),
        ("make the red darker", &[Alter(RED, Lightness, -1.0)]),
        ("darken the red", &[Alter(RED, Lightness, -1.0)]),
        ("the blue is too vivid", &[Alter(BLUE, Saturation, -1.0)]),
        (
            "make the red and the blue darker",
            &[Alter(RED, Lightness, -1.0), Alter(BLUE, Lightness, -1.0)],
        ),
        (
            "make the red, gold and blue darker",
            &[
                Alter(RED, Lightness, -1.0),
                Alter(GOLD, Lightness, -1.0),
                Alter(BLUE, Lightness, -1.0),
            ],
        ),
        (
            "make the red darker and the blue lighter",
            &[Alter(RED, Lightness, -1.0), Alter(BLUE, Lightness, 1.0)],
        ),
        ("make blue darker", &[Alter(BLUE, Lightness, -1.0)]),
        (
            "swap red and navy and make blue darker",
            &[
                Edit::Replace(vec![pair(RED, NAVY), pair(NAVY, RED)]),
                Alter(BLUE, Lightness, -1.0),
            ],
        ),
        ("make the red transparent", &[Alter(RED, Transparency, 1.0)]),
        ("make red transparent", &[Alter(RED, Transparency, 1.0)]),
        (
            "make the red areas transparent",
            &[Alter(RED, Transparency, 1.0)],
        ),
        ("red to transparent", &[Alter(RED, Transparency, 1.0)]),
        (
            "change red to transparent",
            &[Alter(RED, Transparency, 1.0)],
        ),
        (
            "make the red colour warmer",
            &[Alter(RED, Temperature, 1.0)],
        ),
        ("turn the red transparent", &[Alter(RED, Transparency, 1.0)]),
        ("turn red darker", &[Alter(RED, Lightness, -1.0)]),
        ("turn the red dark blue", &[replace(RED, BLUE, -1.0)]),
        ("make the red dark blue", &[replace(RED, BLUE, -1.0)]),
        ("use blue, not the red", &[replace(RED, BLUE, 0.0)]),
        ("make the red warmer", &[Alter(RED, Temperature, 1.0)]),
        ("make the red a bit warmer", &[Alter(RED, Temperature, 0.5)]),
        ("make red much warmer", &[Alter(RED, Temperature, 1.5)]),
        ("make the red less contrasty", &[Alter(RED, Contrast, -1.0)]),
        ("make the red logo transparent", &[more(Transparency)]),
        ("make red blue", &[replace(RED, BLUE, 0.0)]),
        (
            "make red blue and navy gold",
            &[Edit::Replace(vec![pair(RED, BLUE), pair(NAVY, GOLD)])],
        ),
        (
            "make the white red and the red white",
            &[Edit::Replace(vec![pair(WHITE, RED), pair(RED, WHITE)])],
        ),
        ("make the red and the navy gold", &to_gold),
        ("make blue and gold", &[recolor(&[BLUE, GOLD], 0.0)]),
        ("less red", &[Shift(RED, -1.0)]),
        ("a bit more blue", &[Shift(BLUE, 0.5)]),
        ("only navy and gold", &duotone),
        ("navy and gold only", &duotone),
        ("just navy and gold", &duotone),
        (
            "it is just black now, make it navy and gold",
            &[recolor(&[BLACK, NAVY, GOLD], 0.0)],
        ),
        (
            "just white background, navy and gold logo",
            &[recolor(&[NAVY, GOLD], 0.0), on(WHITE)],
        ),
        ("just blue", &[recolored(BLUE)]),
        ("blue logo with a shadow", &[recolored(BLUE), more(Shadow)]),
        ("add a black shadow", &[more(Shadow)]),
        ("add a shadow to the blue logo", &[more(Shadow)]),
        (
            "add a shadow to a blue logo",
            &[recolored(BLUE), more(Shadow)],
        ),
        ("blue outlines", &[more(Outline), recolored(BLUE)]),
        (
            "white outlines on black",
            &[more(Outline), ink(WHITE, BLACK)],
        ),
        (
            "white outlines and make the background black",
            &[more(Outline), ink(WHITE, BLACK)],
        ),
        ("just navy on white", &[recolored(NAVY), on(WHITE)]),
        (
            "make the red only slightly darker",
            &[Alter(RED, Lightness, -0.5)],
        ),
        ("only these colours: navy and gold", &duotone),
        ("duotone, navy and gold", &duotone),
        ("duotone", &[quantize(2, &[])]),
        (
            "softer browns",
            &[recolored(BROWN), adjust(Saturation, -0.5)],
        ),
        (
            "pastel blue",
            &[recolor(&[BLUE], 1.0), adjust(Saturation, -0.5)],
        ),
    ];
    are_all_planned(cases);
    let monochrome = Plan::of("monochrome blue").edits;
    assert!(
        matches!(&monochrome[..], [Edit::Recolor(blue)] if blue.with_greys),
        "{monochrome:?}"
    );
    let kept = Plan::of("lighter, keep the blue, no red");
    assert_eq!(kept.edits, [more(Lightness)]);
    assert_eq!(kept.kept, [("blue".to_owned(), BLUE)]);
    let dark = Plan::of("lighter, keep the dark blue");
    assert_eq!(dark.edits, [more(Lightness)]);
    assert_eq!(dark.kept, [("blue".to_owned(), BLUE)]);
    for prompt in ["lighter, no dark red", "lighter without bright red"] {
        let without = Plan::of(prompt);
        assert_eq!(without.edits, [more(Lightness)], "{prompt}");
        assert_eq!(without.excluded, [("red".to_owned(), RED)], "{prompt}");
    }
    let sky = Plan::of("lighter, keep the sky blue").kept;
    assert_eq!(sky, [("sky blue".to_owned(), SKY)]);
    assert_eq!(kept.excluded, [("red".to_owned(), RED)]);
    for prompt in [
        "I don't like the red, make it blue",
        "avoid the red, make it blue",
        "don't use the red, use blue",
    ] {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [recolored(BLUE)], "{prompt}");
        assert_eq!(plan.kept, [], "{prompt}");
        assert_eq!(plan.excluded, [("red".to_owned(), RED)], "{prompt}");
    }
    let listed = Plan::of("sharper, keep the red, gold and blue").kept;
    let colors: Vec<_> = listed.iter().map(|(_, color)| *color).collect();
    assert_eq!(colors, [RED, GOLD, BLUE]);
    let changed = [
        ("invert, but not the red", more(Inversion)),
        (
            "everything but the red in black and white",
            more(Monochrome),
        ),
        ("desaturate all but red", less(Saturation)),
        ("darker, except for the red", less(Lightness)),
        ("leave the red alone and make it darker", less(Lightness)),
        ("don't touch the red, make it darker", less(Lightness)),
        ("dont touch the red, make it darker", less(Lightness)),
        ("make it darker, never alter the red", less(Lightness)),
        ("make it darker but not the red", less(Lightness)),
        ("make everything green but not the red", recolored(0x2E8B4A)),
        ("make everything green but the red", recolored(0x2E8B4A)),
    ];
    for (prompt, edit) in changed {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [edit], "{prompt}");
        assert_eq!(plan.kept, [("red".to_owned(), RED)], "{prompt}");
        assert_eq!(told(&plan), [""; 0], "{prompt}");
    }
    are_left_undone(&[
        ("less white", &["less white"]),
        ("more black", &["more black"]),
        ("drop the white", &["remove white"]),
        ("leave out the red", &["remove red"]),
        ("fix the white balance", &["fix", "white balance"]),
        ("remove the colour cast", &["colour cast"]),
        ("remove the color noise", &["color noise"]),
        ("remove the background noise", &["background noise"]),
        ("black level lower", &["black level"]),
        ("raise the black levels", &["black levels"]),
        ("tilt-shift effect", &["tilt shift"]),
        ("don't make the red darker", &["not darker"]),
        ("add a blue shadow", &["blue shadow"]),
        ("a shadow in dark blue", &["shadow blue"]),
        ("a shadow in a soft grey", &["shadow grey"]),
        ("make the shadow blue", &["shadow blue"]),
        ("make the shadow dark blue", &["shadow blue"]),
        ("change the shadow to blue", &["shadow blue"]),
        ("add a soft grey shadow", &["grey shadow"]),
        ("blue cast shadow", &["blue cast shadow"]),
        ("add a bold white outline", &["white outline"]),
        ("white rounded corners", &["white rounded corners"]),
        ("rounded corners in blue", &["rounded corners blue"]),
        ("sticker with white outline", &["sticker", "white outline"]),
        ("outline in white", &["outline white"]),
        ("add a white outline on the logo", &["white outline"]),
        ("white outline over the photo", &["white outline"]),
        ("remove the grey shadow", &["remove shadow"]),
        ("black rounded corners", &["black rounded corners"]),
    ]);
    let unpaired: &[(&str, &[Edit], &[&str])] = &[
        (
            "blue logo, no blue shadow",
            &[recolored(BLUE)],
            &["not shadow"],
        ),
        (
            "add a white outline and remove the background",
            &[more(Transparency)],
            &["white outline"],
        ),
        (
            "add a drop shadow to white text",
            &[more(Shadow)],
            &["white text"],
        ),
        ("swap red", &[], &["swap"]),
        (
            "replace the red with leaves",
            &[],
            &["leaves", "replace red"],
        ),
        (
            "turn red to blue, navy to leaves",
            &[replace(RED, BLUE, 0.0)],
            &["leaves", "replace navy"],
        ),
        (
            "replace the red text with blue",
            &[],
            &["text blue", "replace red"],
        ),
        ("a more modern blue", &[recolored(BLUE)], &["modern"]),
        (
            "make it blue, but not dark blue",
            &[recolored(BLUE)],
            &["not dark"],
        ),
        (
            "make it green, not bright green",
            &[recolored(GREEN)],
            &["not bright"],
        ),
        (
            "in red but not too bright red",
            &[recolored(RED)],
            &["not bright"],
        ),
        (
            "make it blue, never pale blue",
            &[recolored(BLUE)],
            &["not pale"],
        ),
        (
            "black to white gradient",
            &[recolor(&[BLACK, WHITE], 0.0)],
            &["gradient"],
        ),
        (
            "white to gray gradient",
            &[recolor(&[WHITE, GREY], 0.0)],
            &["gradient"],
        ),
        (
            "purple to pink gradient background",
            &[recolor(&[0x7B3FA6, 0xEC7FA9], 0.0)],
            &["gradient", "background"],
        ),
        (
            "teal to orange color grading",
            &[recolor(&[0x12807C, 0xEE7F1B], 0.0)],
            &["grading"],
        ),
        (
            "change all blue to red except the dark blue",
            &[replace(BLUE, RED, 0.0)],
            &["keep blue"],
        ),
        (
            "keep the dark blue, change blue to red",
            &[replace(BLUE, RED, 0.0)],
            &["keep blue"],
        ),
        ("remove the dark red", &[], &["remove red"]),
        ("less blue cast", &[Shift(BLUE, -1.0)], &["cast"]),
        (
            "modify the red to be darker",
            &[Alter(RED, Lightness, -1.0)],
            &["modify"],
        ),
    ];
    for (prompt, edits, ignored) in unpaired {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, *edits, "{prompt}");
        assert_eq!(told(&plan), *ignored, "{prompt}");
    }
}

#[test]
fn a_hex_color_is_one_as_any_other() {
    let cases: &[(&str, &[Edit])] = &[
        ("make it #8b5a2b", &[recolored(BROWN)]),
        ("#ABC", &[recolored(0xAABBCC)]),
        ("lighter shades of #2563C9", &[recolor(&[BLUE], 1.0)]),
        ("slightly #2563c9", &[tinge(BLUE, 0.5)]),
        ("replace #d62828 with #2563c9", &[replace(RED, BLUE, 0.0)]),
        ("#1d2f5f and gold", &[recolor(&[NAVY, GOLD], 0.0)]),
        ("not #abc", &[]),
        ("#abcd", &[]),
    ];
    are_planned(cases);
    let themed = Plan::of("more vivid").themed("#1d2f5f on white");
    assert!(matches!(&themed.edits[0], Edit::Steer(colors) if colors[0] == NAVY));
}

#[test]
fn so_many_colors_are_left() {
    const BLACK_AND_WHITE: &[u32] = &[0x000000, 0xFFFFFF];
    let shades = Edit::Recolor(Recolor {
        to: vec![BROWN],
        shade: 0.0,
        amount: 1.0,
        with_greys: true,
    });
    let grey = more(Monochrome);
    let only_black_and_white = [grey.clone(), quantize(2, BLACK_AND_WHITE)];
    let duotone = [quantize(2, &[NAVY, GOLD])];
    let cases: &[(&str, &[Edit])] = &[
        ("only two colours", &[quantize(2, &[])]),
        ("use 3 colors", &[quantize(3, &[])]),
        ("-3 colours", &[quantize(3, &[])]),
        ("three flat colours", &[more(Minimalism), quantize(3, &[])]),
        ("no more than 16 colours", &[quantize(16, &[])]),
        ("reduce it to four colours", &[quantize(4, &[])]),
        ("keep only two colours", &[quantize(2, &[])]),
        ("limit the palette to 5 tones", &[quantize(5, &[])]),
        ("two colours, navy and gold", &duotone),
        ("only two colours: #1d2f5f and #cda02e", &duotone),
        ("two shades of brown", &[shades, quantize(2, &[])]),
        ("in one colour", &[grey]),
        ("in one colour, blue", &[recolored(BLUE)]),
        ("black and white only", &only_black_and_white),
        ("only black and white, please", &only_black_and_white),
        ("two colours, black and white", &only_black_and_white),
        (
            "sharper, two colours, crop to a circle",
            &[
                Edit::Turn(Turn::Square),
                more(Sharpness),
                quantize(2, &[]),
                Edit::Circle,
            ],
        ),
        ("not two colours", &[]),
        ("two", &[]),
        ("17 colours", &[]),
        ("text in two colours", &[]),
        ("2 of the cups", &[]),
    ];
    are_planned(cases);
    let left_undone: &[(&str, &[&str])] = &[
        ("only two colours", &[]),
        ("not two colours", &["not two colours"]),
        ("text in two colours", &["text two colours"]),
        ("two sharper cups", &["cups", "two"]),
        ("rotate by 5 degrees", &[]),
        ("17 colours", &["17"]),
    ];
    for (prompt, ignored) in left_undone {
        assert_eq!(told(&Plan::of(prompt)), *ignored, "{prompt}");
    }
}
