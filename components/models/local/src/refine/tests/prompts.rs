//! What people ask for, and what must be seen of it. The pictures are the project's own
//! and three like those that people bring: a logo in one colour, a product on a soft
//! gradient, and a screenshot.

use std::fs;

use palette::Oklab;

use super::*;
use crate::color;
use crate::pixels::{alpha, rgb};

/// What must be true of the result.
enum Seen {
    /// There is this colour.
    Has(u32),
    /// There is none like it.
    Lacks(u32),
    /// The corner is transparent.
    Transparent,
    /// The corner has this colour.
    Corner(u32),
    Size(u32, u32),
    /// The mean lightness rose, or fell.
    Lighter,
    Darker,
    /// The mean chroma rose, or fell.
    Vivid,
    Muted,
    /// It has at most so many colours, but for the edges between them.
    Colors(usize),
    /// A note has this in it.
    Note(&'static str),
    /// There are notes, or there are none.
    Silent,
    /// It fails, with this in the sentence.
    Refused(&'static str),
}

use Seen::*;

const RED: u32 = 0xD21F2A;
const BLUE: u32 = 0x2563C9;
const NAVY: u32 = 0x1D2F5F;
const GOLD: u32 = 0xCDA02E;
const WHITE: u32 = 0xFFFFFF;
const BLACK: u32 = 0x161616;

/// Picture, prompt, and what must be seen.
const TABLE: &[(&str, &str, &[Seen])] = &[
    (
        "logo",
        "make the background transparent",
        &[Transparent, Note("something encloses")],
    ),
    (
        "logo",
        "use a flat style with two colours",
        &[Colors(2), Silent],
    ),
    (
        "badge",
        "rotate slightly",
        &[Size(557, 557), Transparent, Silent],
    ),
    ("lake", "make it look vintage", &[Muted, Silent]),
    (
        "acme",
        "add a shadow",
        &[Corner(WHITE), Darker, Has(RED), Silent],
    ),
    ("logo", "make the logo bigger", &[Size(900, 900), Silent]),
    (
        "acme",
        "blue instead of red, keep the white",
        &[Has(BLUE), Lacks(RED), Corner(WHITE), Silent],
    ),
    (
        "logo",
        "black and white line art",
        &[Muted, Lighter, Silent],
    ),
    (
        "product",
        "remove the background",
        &[Transparent, Has(0x2A5CA8), Silent],
    ),
    (
        "lake",
        "make it look like a watercolour painting",
        &[Refused("none for: watercolour, painting")],
    ),
    (
        "lake",
        "turn day into night",
        &[Darker, Note("Not understood: day.")],
    ),
    ("logo", "change the text to TEA HOUSE", &[Refused("(text)")]),
    (
        "acme",
        "make it more professional",
        &[Refused("none for: professional")],
    ),
    (
        "acme",
        "Make the red a bit darker and the text black",
        &[Darker, Corner(WHITE), Note("text black")],
    ),
    (
        "ui",
        "dark mode version of this screenshot",
        &[Darker, Lacks(WHITE), Silent],
    ),
    (
        "product",
        "increase the brightness by 20% and crop to a square",
        &[Lighter, Size(180, 180), Silent],
    ),
    (
        "badge",
        "use our brand colours #0f766e and #f59e0b",
        &[Has(0x0F766E), Has(0xF59E0B), Silent],
    ),
    (
        "lake",
        "make the sky more dramatic but keep the grass as it is",
        &[Refused("(sky dramatic)")],
    ),
    (
        "logo",
        "Could you please make the logo look cleaner and more modern? Use softer browns.",
        &[Muted, Note("Not understood: modern.")],
    ),
    (
        "acme",
        "thicker lines and a more playful font",
        &[Refused("(font)")],
    ),
    (
        "badge",
        "make it 3D with a glossy effect",
        &[Refused("none for: 3d, glossy")],
    ),
    (
        "badge",
        "swap red and blue",
        &[Has(0xD62828), Has(BLUE), Silent],
    ),
    (
        "logo",
        "don't change the colours, just simplify the shapes",
        &[Silent],
    ),
    ("acme", "make it pop", &[Vivid, Corner(WHITE), Silent]),
    (
        "acme",
        "invert the colours but keep the text readable",
        &[Corner(0x000000), Note("text")],
    ),
    (
        "logo",
        "darker background",
        &[Darker, Has(0x4A2B1A), Note("something encloses")],
    ),
    (
        "logo",
        "hochauflösend, upscale 2x",
        &[Size(1200, 1200), Note("hochauflösend")],
    ),
    (
        "lake",
        "make the mountains purple",
        &[Note(
            "Made the whole picture purple: this model cannot tell the mountains from the rest.",
        )],
    ),
    (
        "acme",
        "resize to 1024x1024",
        &[Size(1024, 1024), Corner(WHITE), Has(RED), Silent],
    ),
    ("noisy", "remove the noise and sharpen", &[Silent]),
    (
        "badge",
        "use only navy and gold, no red",
        &[Colors(2), Has(NAVY), Has(GOLD), Silent],
    ),
    (
        "acme",
        "gradient from blue to purple",
        &[Refused(
            "nothing would change: there is no blue in this picture.",
        )],
    ),
    (
        "logo",
        "more whitespace around it",
        &[Size(744, 744), Silent],
    ),
    (
        "acme",
        "outline only in dark blue on white",
        &[Lighter, Lacks(RED), Corner(WHITE), Silent],
    ),
    ("acme", "make it smaller", &[Size(150, 100), Silent]),
    (
        "acme",
        "swap red with blue",
        &[Has(BLUE), Lacks(RED), Silent],
    ),
    ("acme", "in blue, not red", &[Has(BLUE), Lacks(RED), Silent]),
    ("logo", "softer colours", &[Muted, Silent]),
    ("logo", "a softer look", &[Muted, Silent]),
    ("noisy", "remove noise", &[Silent]),
    (
        "badge",
        "remove the red sail",
        &[Refused("can only remove the background")],
    ),
    (
        "badge",
        "tilt it a little to the left",
        &[Size(521, 521), Transparent, Silent],
    ),
    (
        "logo",
        "white background",
        &[Corner(WHITE), Has(0x4A2B1A), Note("something encloses")],
    ),
    (
        "logo",
        "more minimalist but keep the leaves green",
        &[Has(0x55682F), Note("leaves")],
    ),
    ("lake", "golden hour", &[Vivid, Silent]),
    (
        "lake",
        "Make this photo look like it was taken in autumn",
        &[Refused("none for: autumn")],
    ),
    (
        "acme",
        "monochrome blue",
        &[Has(BLUE), Lacks(RED), Corner(WHITE), Silent],
    ),
    (
        "acme",
        "black logo on white",
        &[Has(BLACK), Lacks(RED), Corner(WHITE), Silent],
    ),
    ("acme", "Make it less red", &[Muted, Silent]),
    (
        "logo",
        "darker and lighter",
        &[Lighter, Note("Nothing was changed for: darker.")],
    ),
    ("acme", "flat style", &[Refused("nothing would change")]),
    (
        "acme",
        "I would like a cool logo",
        &[Refused("none for: cool logo")],
    ),
    (
        "acme",
        "deep learning logo for a hot startup",
        &[Refused("none for: deep learning, hot, startup")],
    ),
    // What others may ask.
    (
        "acme",
        "white on black",
        &[Has(WHITE), Corner(BLACK), Lacks(RED), Silent],
    ),
    (
        "acme",
        "duotone navy and gold",
        &[Colors(2), Has(NAVY), Has(GOLD), Silent],
    ),
    (
        "logo",
        "only these colours: navy and gold",
        &[Colors(2), Has(NAVY), Has(GOLD), Silent],
    ),
    (
        "acme",
        "rotate by 10 degrees",
        &[Size(330, 250), Corner(WHITE), Silent],
    ),
    ("lake", "rotate by 10 degrees", &[Transparent, Silent]),
    (
        "logo",
        "lighter background",
        &[Lighter, Note("something encloses")],
    ),
    (
        "product",
        "white background",
        &[Corner(WHITE), Has(0x2A5CA8), Silent],
    ),
    (
        "product",
        "make the background gold",
        &[Corner(GOLD), Silent],
    ),
    (
        "product",
        "add a shadow",
        &[Has(0x2A5CA8), Note("had several colours, and has one now")],
    ),
    (
        "product",
        "darker background",
        &[Darker, Note("had several colours, and has one now")],
    ),
    ("badge", "add a drop shadow", &[Transparent, Silent]),
    ("lake", "20 % brighter", &[Lighter, Silent]),
    ("lake", "less red, more blue", &[Silent]),
    ("lake", "crop to 16:9", &[Size(640, 360), Silent]),
    ("logo", "pad to 16:9", &[Size(1067, 600), Silent]),
    ("badge", "twice as large", &[Size(960, 960), Silent]),
    ("acme", "scale to 50%", &[Size(150, 100), Silent]),
    ("acme", "pastel blue", &[Lacks(RED), Lighter, Silent]),
    (
        "badge",
        "make the red sail green",
        &[Has(0x2E8B4A), Note("cannot tell the sail from the rest")],
    ),
    (
        "badge",
        "keep the white, everything else in green",
        &[Has(0xFDFBF5), Silent],
    ),
    ("acme", "darken the red", &[Darker, Corner(WHITE), Silent]),
    ("acme", "red", &[Note("Hardly anything changed")]),
    (
        "ui",
        "replace blue with red",
        &[Has(0xD62828), Lacks(0x2563EB), Silent],
    ),
    (
        "acme",
        "navy logo on a gold background",
        &[Has(NAVY), Corner(GOLD), Note("something encloses")],
    ),
    ("logo", "on a white table", &[Refused("none for: on white")]),
    (
        "acme",
        "turn red to blue, green to gold",
        &[Has(BLUE), Lacks(RED), Note("There is no green")],
    ),
    (
        "acme",
        "rotate the blue logo to the left",
        &[Size(200, 300), Has(RED), Silent],
    ),
    (
        "acme",
        "white logo on a navy background",
        &[Has(WHITE), Corner(NAVY), Lacks(RED), Silent],
    ),
    (
        "acme",
        "make the white background blue",
        &[Has(RED), Corner(BLUE), Note("something encloses")],
    ),
    (
        "acme",
        "remove the white background",
        &[Transparent, Has(RED), Note("something encloses")],
    ),
    (
        "product",
        "remove the background and replace it with white",
        &[Corner(WHITE), Has(0x2A5CA8), Silent],
    ),
    (
        "badge",
        "replace the red and blue with green",
        &[Has(0x2E8B4A)],
    ),
    ("acme", "remove the colours", &[Muted, Silent]),
    ("acme", "no green", &[Refused("names no change")]),
    (
        "acme",
        "lighter, but keep the red",
        &[Refused("nothing would change")],
    ),
    ("logo", "don't blur it, just warmer", &[Silent]),
    ("badge", "blue, no red", &[Has(BLUE), Silent]),
    ("acme", "orange, no red", &[Has(0xEE7F1B), Silent]),
    ("lake", "sharper, keep the text", &[Note("text")]),
    (
        "acme",
        "make the blue darker and the red lighter",
        &[Lighter, Note("There is no blue in this picture.")],
    ),
    (
        "lake",
        "transparent background",
        &[Refused("the background was left as it is")],
    ),
    (
        "badge",
        "transparent background",
        &[Refused("the background was transparent already.")],
    ),
];

fn picture(name: &str) -> (&'static str, Vec<u8>) {
    let file = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/pictures");
        fs::read(format!("{folder}/{name}")).unwrap()
    };
    match name {
        "logo" => ("image/png", file("logo-before.png")),
        "badge" => ("image/png", file("badge-before.png")),
        "lake" => ("image/jpeg", file("landscape-before.jpg")),
        "acme" => ("image/png", drawn(300, 200, acme)),
        "noisy" => ("image/png", drawn(120, 90, noisy)),
        "product" => ("image/png", drawn(240, 180, product)),
        _ => ("image/png", drawn(320, 200, ui)),
    }
}

fn drawn(width: i32, height: i32, color: fn(i32, i32) -> u32) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let data = places
        .flat_map(|(x, y)| color::channels(color(x, y)))
        .collect();
    let pixels = Pixels::new(width as u32, height as u32, false, data).unwrap();
    codec::file_with(&pixels, Format::Png)
}

/// A red disk with a white triangle, and strokes as of letters below.
fn acme(x: i32, y: i32) -> u32 {
    let (across, down) = (x - 150, y - 70);
    let is_triangle = (-35..35).contains(&down) && across.abs() * 2 < down + 35;
    let is_disk = across * across + down * down < 50 * 50 && !is_triangle;
    let is_letter = (145..165).contains(&y) && (50..250).contains(&x) && x / 7 % 2 == 0;
    if is_disk || is_letter { RED } else { WHITE }
}

/// A blue box with a label on a grey gradient with a little noise.
fn product(x: i32, y: i32) -> u32 {
    if (95..145).contains(&x) && (40..150).contains(&y) {
        let is_label = (102..138).contains(&x) && (55..85).contains(&y);
        return if is_label { WHITE } else { 0x2A5CA8 };
    }
    let grey = (228 - y / 4 + (x * 7 + y * 13) % 3 - 1) as u32;
    grey << 16 | grey << 8 | (grey - 6)
}

/// A grey wall under a strong grain.
fn noisy(x: i32, y: i32) -> u32 {
    let grain = (x * 7919 + y * 104_729 + x * y * 31).rem_euclid(41) - 20;
    (120 + grain) as u32 * 0x01_0101
}

/// A dark head, cards on a light ground, and a blue curve.
fn ui(x: i32, y: i32) -> u32 {
    let is_card = (20..300).contains(&x) && (40..180).contains(&y) && x % 100 > 10;
    let curve = 110 + (x - 160) * (x - 160) / 500;
    match (y < 25, is_card, (y - curve).abs() < 3) {
        (true, ..) => 0x1E293B,
        (_, true, true) => 0x2563EB,
        (_, true, false) => WHITE,
        _ => 0xF7F8FA,
    }
}

fn labs(pixels: &Pixels) -> Vec<Oklab> {
    let visible = pixels.iter().filter(|pixel| alpha(pixel) > 127);
    visible.map(|pixel| color::from_srgb(rgb(pixel))).collect()
}

fn mean(labs: &[Oklab], of: impl Fn(&Oklab) -> f32) -> f32 {
    labs.iter().map(of).sum::<f32>() / labs.len().max(1) as f32
}

fn is_seen(seen: &Seen, before: &Pixels, after: &Pixels, notes: &[String]) -> bool {
    let (old, new) = (labs(before), labs(after));
    let chroma = |lab: &Oklab| lab.a.hypot(lab.b);
    let share = |color: u32| {
        let aim = color::from_hex_lab(color);
        let near = new.iter().filter(|lab| color::distance(**lab, aim) < 0.1);
        near.count() as f32 / new.len().max(1) as f32
    };
    let corner = after.iter().next().unwrap();
    match seen {
        Has(color) => share(*color) > 0.002,
        Lacks(color) => share(*color) < 0.002,
        Transparent => alpha(corner) == 0,
        Corner(color) => {
            let [red, green, blue] = color::channels(*color);
            let near = [(corner[0], red), (corner[1], green), (corner[2], blue)];
            near.iter().all(|(one, other)| one.abs_diff(*other) <= 2)
        }
        Size(width, height) => {
            let near = |one: u32, other: u32| one.abs_diff(other) <= 2;
            near(after.width(), *width) && near(after.height(), *height)
        }
        Lighter => mean(&new, |lab| lab.l) > mean(&old, |lab| lab.l),
        Darker => mean(&new, |lab| lab.l) < mean(&old, |lab| lab.l),
        Vivid => mean(&new, chroma) > mean(&old, chroma),
        Muted => mean(&new, chroma) < mean(&old, chroma) * 0.95,
        Colors(most) => {
            let visible = after.iter().filter(|pixel| alpha(pixel) > 127).map(rgb);
            visible.collect::<std::collections::BTreeSet<_>>().len() <= *most
        }
        Note(text) => notes.iter().any(|note| note.contains(text)),
        Silent => notes.is_empty(),
        Refused(_) => false,
    }
}

#[test]
fn what_people_ask_for_is_seen_or_told() {
    let mut wrong = Vec::new();
    for (name, prompt, expected) in TABLE {
        let (media_type, file) = picture(name);
        let request = request(media_type, prompt);
        let format = Format::from_media_type(media_type).unwrap();
        let before = codec::decode(file.clone(), format).unwrap().pixels;
        match (refine(file, &request), expected) {
            (Err(error), [Refused(reason)]) if error.to_string().contains(reason) => {}
            (Err(error), _) => wrong.push(format!("{name}, {prompt}: {error}")),
            (Ok(answer), _) => {
                let format = Format::from_media_type(answer.media_type).unwrap();
                let after = codec::decode(answer.bytes, format).unwrap().pixels;
                let is_wrong = |seen: &Seen| !is_seen(seen, &before, &after, &answer.notes);
                let missed: Vec<_> = (0..)
                    .zip(*expected)
                    .filter(|(_, seen)| is_wrong(seen))
                    .collect();
                let places: Vec<i32> = missed.iter().map(|(place, _)| *place).collect();
                if !places.is_empty() {
                    let size = (after.width(), after.height());
                    wrong.push(format!(
                        "{name}, {prompt}: not {places:?} of what is expected, {size:?}, {:?}",
                        answer.notes
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} of {}",
        wrong.join("\n"),
        wrong.len(),
        TABLE.len()
    );
}
