//! Turns, sizes and crops.

use super::*;

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
    let to_in = |width, height, ground| Edit::Resize(Resize::To(width, height, ground));
    let to = |width, height| to_in(width, height, Ground::default());
    let white = Ground {
        color: Some(WHITE),
        shade: 0.0,
    };
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
        ("more whitespace", &[pad(Pad::Margin(1.0))]),
        ("a little more padding", &[pad(Pad::Margin(0.5))]),
        ("pad to 16:9", &[pad(Pad::Ratio(16, 9))]),
        ("pad it to a square", &[pad(Pad::Ratio(1, 1))]),
        ("add white padding", &[pad_in(Pad::Margin(1.0), WHITE, 0.0)]),
        ("padding: white", &[pad_in(Pad::Margin(1.0), WHITE, 0.0)]),
        (
            "add a white 20px margin",
            &[pad_in(Pad::Margin(1.0), WHITE, 0.0)],
        ),
        (
            "white coloured padding",
            &[pad_in(Pad::Margin(1.0), WHITE, 0.0)],
        ),
        (
            "pad with white instead of black",
            &[pad_in(Pad::Margin(1.0), WHITE, 0.0)],
        ),
        (
            "a bit more white padding",
            &[pad_in(Pad::Margin(0.5), WHITE, 0.0)],
        ),
        (
            "add a light blue margin around it",
            &[pad_in(Pad::Margin(1.0), BLUE, 1.0)],
        ),
        (
            "pad to 16:9 with black",
            &[pad_in(Pad::Ratio(16, 9), BLACK, 0.0)],
        ),
        ("pad to 1024x768 with white", &[to_in(1024, 768, white)]),
        (
            "blue logo with more padding",
            &[recolored(BLUE), pad(Pad::Margin(1.0))],
        ),
        (
            "add padding, make it blue",
            &[recolored(BLUE), pad(Pad::Margin(1.0))],
        ),
        ("add padding around the blue logo", &[pad(Pad::Margin(1.0))]),
        (
            "pad the picture with white",
            &[pad_in(Pad::Margin(1.0), WHITE, 0.0)],
        ),
        (
            "add padding around it in white",
            &[pad_in(Pad::Margin(1.0), WHITE, 0.0)],
        ),
        ("more whitespace around blue text", &[pad(Pad::Margin(1.0))]),
        (
            "crop to a square with more padding",
            &[pad(Pad::Ratio(1, 1))],
        ),
        (
            "trim it leaving some whitespace",
            &[more(Tightness), pad(Pad::Margin(1.0))],
        ),
        (
            "crop the image leaving a little margin",
            &[pad(Pad::Margin(0.5))],
        ),
        ("remove the watermark in the margin", &[]),
        ("no white padding", &[]),
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
        ("remove the white margins", 1.0),
        ("crop the white margins", 1.0),
        ("crop away the white margins", 1.0),
        ("cut off the margins", 1.0),
        ("trim the margins", 1.0),
        ("get rid of the whitespace", 1.0),
        ("trim the extra whitespace", 1.0),
        ("trim all the white space", 1.0),
        ("remove the excess margins", 1.0),
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
