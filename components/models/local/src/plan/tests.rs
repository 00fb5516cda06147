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
        ("do not touch the background", &["touch", "background"]),
        ("make the text transparent", &["text transparent"]),
        ("make the shadows lighter", &["shadows lighter"]),
        ("lighten the shadows", &["lighten shadows"]),
        ("soften the shadows", &["soften shadows"]),
        ("darker shadows", &["darker shadows"]),
        ("make the background less white", &["background less white"]),
        ("make the text less red", &["text less red"]),
        ("a clear background", &["clear background"]),
        ("remove the text", &["text"]),
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
fn images_are_turned_as_the_prompt_says() {
    let cases: &[(&str, &[Turn])] = &[
        ("rotate", &[Turn::Right]),
        ("rotate it by 90 degrees", &[Turn::Right]),
        ("rotate 90° clockwise", &[Turn::Right]),
        ("rotate the logo to the left", &[Turn::Left]),
        ("rotate 90 degrees counter-clockwise", &[Turn::Left]),
        ("rotate by 270 degrees", &[Turn::Left]),
        ("rotate left by 270 degrees", &[Turn::Right]),
        ("rotate by -90 degrees", &[Turn::Left]),
        ("rotate -90", &[Turn::Left]),
        ("rotate −90°", &[Turn::Left]),
        ("rotate 180", &[Turn::Half]),
        ("a 180-degree rotation", &[Turn::Half]),
        ("rotate it upside down", &[Turn::Half]),
        ("upside down", &[Turn::Half]),
        ("turn it upside down", &[Turn::Half]),
        ("turn left", &[Turn::Left]),
        ("turn 90 degrees", &[Turn::Right]),
        ("turn the logo 90 degrees to the left", &[Turn::Left]),
        ("turned to the right", &[Turn::Right]),
        ("turn it left", &[Turn::Left]),
        ("turn it 90 degrees", &[Turn::Right]),
        ("flip horizontally and vertically", &[Turn::Half]),
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
        assert_eq!(told(&plan), [""; 0], "{prompt}");
    }
    let left_undone: &[(&str, &[&str])] = &[
        ("don't rotate it left", &["not rotate", "left"]),
        ("no rotation", &["not rotation"]),
        ("crop the top", &["crop", "top"]),
        ("turn it into a 512 px icon", &["512"]),
        ("turn it into a 1950 photo", &["1950"]),
        ("turn this into a 300 dpi image", &["dpi", "300"]),
        ("turn it up 20", &["20"]),
        ("turn it to the right colours", &["to the right"]),
        ("turn it into a left-aligned logo", &["aligned", "left"]),
        ("the square on the left", &["square", "left"]),
        (
            "do not flip or crop it square",
            &["not flip", "not crop", "square"],
        ),
    ];
    are_left_undone(left_undone);
    let first = Plan::of("darker, rotated left, minimalist").edits;
    assert_eq!(first.first(), Some(&Edit::Turn(Turn::Left)));
}

#[test]
fn any_angle_is_turned() {
    let cases: &[(&str, f32)] = &[
        ("rotate by 45 degrees", 45.0),
        ("rotate 22.5 degrees", 22.5),
        ("a 45 degree rotation", 45.0),
        ("rotate by 10 degrees to the left", 350.0),
        ("rotate by 5 degrees", 5.0),
        ("rotate by -30 degrees", 330.0),
        ("rotate -30 degrees to the left", 330.0),
        ("rotate it slightly", 10.0),
        ("slightly rotated", 10.0),
        ("tilt it", 10.0),
        ("tilt it a little to the left", 355.0),
        ("tilted by 3 degrees", 3.0),
        ("turn it by 5 degrees", 5.0),
        ("turn it by 45 degrees", 45.0),
        ("turn slightly left", 350.0),
        ("turn 22.5 degrees", 22.5),
    ];
    for (prompt, degrees) in cases {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [Edit::Rotate(*degrees)], "{prompt}");
        assert_eq!(told(&plan), [""; 0], "{prompt}");
    }
    assert_eq!(Plan::of("rotate by 360 degrees").edits, []);
}

#[test]
fn sizes_are_read() {
    let scale = |factor| Edit::Resize(Resize::Scale(factor));
    let enlarge = |twice| Edit::Resize(Resize::Enlarge { twice });
    let to = |width, height| Edit::Resize(Resize::To(width, height));
    let cases: &[(&str, &[Edit])] = &[
        ("upscale", &[enlarge(false)]),
        ("upscale 2x", &[enlarge(false)]),
        ("upscale it 4x", &[enlarge(true)]),
        ("twice as large", &[enlarge(false)]),
        ("higher resolution", &[enlarge(false)]),
        ("sharper and larger", &[enlarge(false)]),
        ("make it bigger", &[scale(1.5)]),
        ("make it 20% bigger", &[scale(1.2)]),
        ("make the red logo bigger", &[scale(1.5)]),
        ("make the sky blue logo bigger", &[scale(1.5)]),
        ("smaller", &[scale(0.5)]),
        ("a bit smaller", &[scale(0.75)]),
        ("20 % smaller", &[scale(0.8)]),
        ("too big", &[scale(1.0 / 1.5)]),
        ("reduce it to half the size", &[scale(0.5)]),
        ("reduce the image to half size", &[scale(0.5)]),
        ("decrease to half its size", &[scale(0.5)]),
        ("scale to 50%", &[scale(0.5)]),
        ("resize to 1024x768", &[to(1024, 768)]),
        ("1024×768px", &[to(1024, 768)]),
        ("resize it to 1024 x 768", &[to(1024, 768)]),
        ("a 3x3 grid", &[]),
        ("crop to 16:9", &[Edit::Crop(16, 9)]),
        ("16:9", &[Edit::Crop(16, 9)]),
        ("more whitespace", &[Edit::Pad(Pad::Margin(1.0))]),
        ("a little more padding", &[Edit::Pad(Pad::Margin(0.5))]),
        ("pad to 16:9", &[Edit::Pad(Pad::Ratio(16, 9))]),
        ("pad it to a square", &[Edit::Pad(Pad::Ratio(1, 1))]),
        ("darker, 20% bigger", &[less(Lightness), scale(1.2)]),
        ("resize", &[]),
        ("not bigger", &[]),
        ("make the text bigger", &[]),
        ("pad to 1024x768", &[to(1024, 768)]),
        ("don't crop to 16:9", &[]),
        ("don't resize to 64x64", &[]),
        ("2x brighter", &[adjust(Lightness, 2.0)]),
        ("100% smaller", &[]),
        ("0x", &[]),
    ];
    are_planned(cases);
}

#[test]
fn a_background_gets_a_color() {
    let cases: &[(&str, &[Edit])] = &[
        ("white background", &[on(WHITE)]),
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
        ("don't make the red darker", &["not darker"]),
    ]);
    let unpaired: &[(&str, &[Edit], &[&str])] = &[
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
    ];
    for (prompt, edits, ignored) in unpaired {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, *edits, "{prompt}");
        assert_eq!(told(&plan), *ignored, "{prompt}");
    }
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

fn quantize(count: u8, to: &[u32]) -> Edit {
    let to = to.to_vec();
    Edit::Quantize(Quantize { count, to })
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

#[test]
fn a_crop_is_to_a_circle_or_tighter() {
    let circle = [Edit::Turn(Turn::Square), Edit::Circle];
    for prompt in [
        "circle crop",
        "circular crop",
        "crop it to a circle",
        "crop the picture to a circle",
        "crop into a circle",
        "crop round",
        "make it a circle",
        "make it round",
        "a round picture",
    ] {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, circle, "{prompt}");
        assert_eq!(told(&plan), [""; 0], "{prompt}");
    }
    let cases: &[(&str, f32)] = &[
        ("crop tighter", 1.0),
        ("crop it tighter", 1.0),
        ("tighter crop", 1.0),
        ("crop tightly", 1.0),
        ("crop it a bit tighter", 0.5),
        ("a much tighter crop", 1.5),
        ("zoom in", 1.0),
        ("crop closer", 1.0),
        ("trim", 1.0),
    ];
    for (prompt, amount) in cases {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, [adjust(Tightness, *amount)], "{prompt}");
        assert_eq!(told(&plan), [""; 0], "{prompt}");
    }
    for (prompt, ignored) in [
        ("don't crop it tighter", vec!["not crop", "not tighter"]),
        ("less tight", vec!["less tight"]),
        ("crop", vec!["crop"]),
        ("a circle", vec!["circle"]),
        ("the circle is blurred", vec!["circle"]),
    ] {
        let plan = Plan::of(prompt);
        assert!(!plan.edits.contains(&Edit::Circle), "{prompt}");
        assert_eq!(told(&plan), ignored, "{prompt}");
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
