//! Changes by so many per cent, and "lower" behind what it is about.

use super::*;

#[test]
fn percentages_are_of_what_is_there() {
    // A part of the saturation or contrast, as a multiple of what "less" takes away.
    let saturation = |part: f32| adjust(Saturation, -part / 0.65);
    let contrast = |part: f32| adjust(Contrast, -part / 0.45);
    let lightness = |part: f32| adjust(Lightness, part * 3.0);
    let scale = |factor| Edit::Resize(Resize::Scale(factor));
    let cases: &[(&str, &[Edit])] = &[
        ("brightness -20%", &[lightness(-0.2)]),
        ("brightness - 20%", &[lightness(-0.2)]),
        ("brightness -10", &[lightness(-0.1)]),
        ("brightness - 20", &[lightness(-0.2)]),
        ("brightness +10", &[lightness(0.1)]),
        ("brightness to 80", &[lightness(-0.2)]),
        ("saturation +20", &[adjust(Saturation, 0.2 * 3.0)]),
        (
            "increase brightness by 10 and contrast by 20",
            &[lightness(0.1), adjust(Contrast, 0.2 * 3.0)],
        ),
        ("reduce saturation by half", &[saturation(0.5)]),
        ("cut the brightness in half", &[lightness(-0.5)]),
        ("brightness-20", &[lightness(-0.2)]),
        (
            "brightness - 20, sharper",
            &[lightness(-0.2), more(Sharpness)],
        ),
        ("sharper - 2 colours", &[more(Sharpness), quantize(2, &[])]),
        (
            "brightness: -10, contrast -30",
            &[lightness(-0.1), contrast(0.3)],
        ),
        ("drop the saturation by 50%", &[saturation(0.5)]),
        ("drop the saturation", &[less(Saturation)]),
        ("drop the contrast a bit", &[adjust(Contrast, -0.5)]),
        ("drop the brightness", &[less(Lightness)]),
        ("contrast > 50%", &[adjust(Contrast, 1.5)]),
        ("saturation 0", &[saturation(1.0)]),
        ("saturation: 0", &[saturation(1.0)]),
        ("saturation at 0", &[saturation(1.0)]),
        ("saturation to 0", &[saturation(1.0)]),
        ("saturation to zero", &[saturation(1.0)]),
        ("zero saturation", &[more(Monochrome)]),
        ("reduce the saturation to 0", &[saturation(1.0)]),
        ("lower the saturation to 0", &[saturation(1.0)]),
        ("drop the saturation to 0", &[saturation(1.0)]),
        ("brightness-20%", &[lightness(-0.2)]),
        ("sharper\n- 20% darker", &[lightness(-0.2), more(Sharpness)]),
        ("sharper - 20% bigger", &[more(Sharpness), scale(1.2)]),
        ("brightness: −20 %", &[lightness(-0.2)]),
        ("set brightness: -20%", &[lightness(-0.2)]),
        ("brightness (-20%)", &[lightness(-0.2)]),
        (
            "brightness (by -20%), sharper",
            &[lightness(-0.2), more(Sharpness)],
        ),
        ("brightness to just 80%", &[lightness(-0.2)]),
        ("it should be 20% brighter", &[lightness(0.2)]),
        ("the brightness should be 20% lower", &[lightness(-0.2)]),
        ("reduce the brightness to only 80%", &[lightness(-0.2)]),
        ("-20% brightness", &[lightness(-0.2)]),
        ("brightness minus 20 percent", &[lightness(-0.2)]),
        ("brightness +20%", &[lightness(0.2)]),
        ("reduce the brightness by -20%", &[lightness(-0.2)]),
        ("brightness reduced by 20%", &[lightness(-0.2)]),
        ("brighter by -20%", &[lightness(-0.2)]),
        ("contrast -30%", &[contrast(0.3)]),
        ("saturation -30%", &[saturation(0.3)]),
        ("saturation by +30%", &[adjust(Saturation, 0.3 * 3.0)]),
        ("reduce the saturation by 50%", &[saturation(0.5)]),
        ("saturation 50% lower", &[saturation(0.5)]),
        ("contrast 20% less", &[contrast(0.2)]),
        ("10% less saturation", &[saturation(0.1)]),
        ("desaturate by 100%", &[saturation(1.0)]),
        ("reduce the saturation to 50%", &[saturation(0.5)]),
        ("reduce the contrast to 40%", &[contrast(0.6)]),
        ("100% less contrast", &[contrast(1.0)]),
        ("desaturate to 50%", &[saturation(0.5)]),
        ("brightness to 50%", &[lightness(-0.5)]),
        ("brightness down to 80%", &[lightness(-0.2)]),
        ("turn the brightness down by 20%", &[lightness(-0.2)]),
        ("set the contrast at 50%", &[contrast(0.5)]),
        ("reduce to 80% brightness", &[lightness(-0.2)]),
        ("convert to 100% grayscale", &[more(Monochrome)]),
        ("sepia at 50%", &[adjust(Sepia, 0.5)]),
        ("vignette at 30%", &[adjust(Vignette, 0.9)]),
        ("reduce the noise to 50%", &[adjust(Smoothness, 1.5)]),
        ("set to 30% blur", &[adjust(Sharpness, -0.9)]),
        ("set the blur to 30%", &[adjust(Sharpness, -0.9)]),
        ("to 80% blue", &[recolored(BLUE)]),
        ("change the logo to 50% gray", &[recolored(0x808080)]),
        ("at 50% scale", &[scale(0.5)]),
        ("-20% scale", &[scale(0.8)]),
        ("twice as small", &[scale(0.5)]),
        ("twice as dark", &[lightness(-1.0)]),
        ("turn the brightness to 75%", &[lightness(-0.25)]),
        ("increase the brightness to 150%", &[lightness(0.5)]),
        ("half as bright", &[lightness(-0.5)]),
        ("half as dark", &[lightness(0.5)]),
        ("half the saturation", &[saturation(0.5)]),
        ("twice as bright", &[lightness(1.0)]),
        ("grayscale 50%", &[adjust(Monochrome, 0.5)]),
        ("100% transparent", &[more(Transparency)]),
        ("invert 100%", &[more(Inversion)]),
        (
            "brightness -20%, contrast 50%",
            &[lightness(-0.2), adjust(Contrast, 1.5)],
        ),
        (
            "brightness -20% contrast 50%",
            &[lightness(-0.2), adjust(Contrast, 1.5)],
        ),
        (
            "brighter with 20% more contrast",
            &[more(Lightness), adjust(Contrast, 0.6)],
        ),
        (
            "brighter 20% less saturation",
            &[saturation(0.2), more(Lightness)],
        ),
        (
            "flat style with 20% padding",
            &[more(Minimalism), pad(Pad::Margin(0.6))],
        ),
        (
            "lighter with 20% margin",
            &[more(Lightness), pad(Pad::Margin(0.6))],
        ),
        (
            "black and white 50% smaller",
            &[more(Monochrome), scale(0.5)],
        ),
        ("lighter, but only 20%", &[lightness(0.2)]),
        ("half as big", &[scale(0.5)]),
        ("half the size", &[scale(0.5)]),
        ("shrink to 80%", &[scale(0.8)]),
        ("enlarge to 150%", &[scale(1.5)]),
        ("resize by -20%", &[scale(0.8)]),
    ];
    for (prompt, edits) in cases {
        let plan = Plan::of(prompt);
        let about = |edit: &Edit| match edit {
            Edit::Adjust(quality, amount) => adjust(*quality, (amount * 1e4).round() / 1e4),
            edit => edit.clone(),
        };
        let rounded = |edits: &[Edit]| edits.iter().map(about).collect::<Vec<_>>();
        assert_eq!(rounded(&plan.edits), rounded(edits), "{prompt}");
        assert_eq!(told(&plan), [""; 0], "{prompt}");
    }
    // What is made as a whole, or could not be made so.
    let whole: &[(&str, &[Edit], &str)] = &[
        ("make it 50% transparent", &[more(Transparency)], "50%"),
        ("invert 50%", &[more(Inversion)], "50%"),
        ("dark mode at 50%", &[more(DarkMode)], "50%"),
        (
            "make the red 50% transparent",
            &[Edit::Alter(RED, Transparency, 1.0)],
            "50%",
        ),
        ("adjust brightness: -20%", &[lightness(-0.2)], "adjust"),
        ("adjust brightness, -20%", &[more(Lightness)], "adjust -20%"),
        ("contrast 1.2", &[more(Contrast)], "1.2"),
        ("contrast 1.0", &[more(Contrast)], "1.0"),
        ("rotate by 20%", &[Edit::Turn(Turn::Right)], "20%"),
        (
            "darken the red by 20%",
            &[Edit::Alter(RED, Lightness, -1.0)],
            "20%",
        ),
        ("darken half the picture", &[less(Lightness)], "half"),
        ("increase the brightness to 80%", &[], "brightness 80%"),
        ("reduce the brightness to 120%", &[], "brightness 120%"),
        ("brightness to 100%", &[], "brightness 100%"),
        ("0% brighter", &[], "0% brighter"),
        ("vignette -20%", &[], "vignette -20%"),
    ];
    for (prompt, edits, ignored) in whole {
        let plan = Plan::of(prompt);
        assert_eq!(plan.edits, *edits, "{prompt}");
        assert_eq!(told(&plan).join(" "), *ignored, "{prompt}");
    }
}

#[test]
fn less_may_come_last() {
    let cases: &[(&str, &[Edit])] = &[
        ("brightness lower", &[less(Lightness)]),
        ("brightness: low", &[less(Lightness)]),
        ("brightness down", &[less(Lightness)]),
        ("turn down the brightness", &[less(Lightness)]),
        ("turn the brightness down", &[less(Lightness)]),
        ("turn the blur down", &[more(Sharpness)]),
        ("turn blur down", &[more(Sharpness)]),
        ("blur down", &[more(Sharpness)]),
        (
            "brightness up, blur down",
            &[more(Lightness), more(Sharpness)],
        ),
        ("darkness down", &[more(Lightness)]),
        ("cool down", &[less(Temperature)]),
        ("mute it down", &[less(Saturation)]),
        ("cool it down", &[less(Temperature)]),
        ("cool down the colours", &[less(Temperature)]),
        ("dim it down a bit", &[adjust(Lightness, -0.5)]),
        ("bring the contrast down a bit", &[adjust(Contrast, -0.5)]),
        ("the brightness is too high", &[less(Lightness)]),
        ("contrast a bit lower", &[adjust(Contrast, -0.5)]),
        ("the contrast is too low", &[more(Contrast)]),
        ("the contrast is low", &[more(Contrast)]),
        ("the contrast is weak", &[more(Contrast)]),
        (
            "the contrast is too strong",
            &[adjust(Contrast, LEAST_CONTRAST)],
        ),
        ("contrast reduced", &[less(Contrast)]),
        ("too little contrast", &[more(Contrast)]),
        ("darker too", &[less(Lightness)]),
        ("lighter, less", &[more(Lightness)]),
    ];
    are_all_planned(cases);
    are_left_undone(&[("vignette lower", &["less vignette"])]);
}
