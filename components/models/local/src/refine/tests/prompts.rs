//! What people ask for, and what must be seen of it. The pictures are the project's own
//! and three like those that people bring: a logo in one colour, a product on a soft
//! gradient, and a screenshot.

use std::collections::BTreeSet;
use std::fs;

use palette::Oklab;

use super::*;
use crate::color;
use crate::pixels::{alpha, rgb};

/// A picture, a prompt, and what must be seen of the result: it has or lacks a colour; its
/// corner is transparent or of a colour; it has a colour to the last bit; its size; the mean of its lightness or of its chroma
/// rose or fell; it has at most so many colours, but for the edges between them; there is a
/// note with these words, or none at all; or it is refused in a sentence with these words.
/// No prompt has an arrow in it, and no sentence a semicolon before a space.
const TABLE: &str = "
    logo: make the background transparent -> transparent; note something encloses
    logo: use a flat style with two colours -> colors 2; silent
    badge: rotate slightly -> size 557x557; transparent; silent
    lake: make it look vintage -> muted; silent
    acme: add a shadow -> corner white; darker; has red; silent
    logo: make the logo bigger -> size 900x900; silent
    acme: blue instead of red, keep the white -> has blue; lacks red; corner white; silent
    logo: black and white line art -> muted; lighter; silent
    product: remove the background -> transparent; has 2A5CA8; silent
    lake: make it look like a watercolour painting -> refused none for: watercolour, painting
    lake: turn day into night -> darker; note Not understood: day.
    logo: change the text to TEA HOUSE -> refused (text)
    acme: make it more professional -> refused none for: professional
    acme: Make the red a bit darker and the text black -> darker; corner white; note Left as it is
    ui: dark mode version of this screenshot -> darker; lacks white; silent
    ui: light mode -> refused the picture is already as the prompt asks
    ui: make it a light theme -> refused the picture is already as the prompt asks
    ui: light mode, sharper -> has white
    night: light mode -> lighter; silent
    slate: light mode -> lighter
    grey: dark mode -> darker
    night: dark mode -> refused the picture is already as the prompt asks
    product: increase the brightness by 20% and crop to a square -> lighter; size 180x180; silent
    badge: use our brand colours #0f766e and #f59e0b -> has 0F766E; has F59E0B; note exactly #0f766e
    lake: make the sky more dramatic but keep the grass as it is -> refused (sky dramatic)
    logo: Could you please make the logo look cleaner and more modern? Use softer browns. -> \
     muted; note Not understood: modern.
    acme: thicker lines and a more playful font -> refused (font)
    badge: make it 3D with a glossy effect -> refused none for: 3d, glossy
    badge: swap red and blue -> has D62828; has blue; silent
    logo: don't change the colours, just simplify the shapes -> silent
    acme: make it pop -> vivid; corner white; silent
    acme: invert the colours but keep the text readable -> corner 000000; note text
    logo: invert but keep the background -> corner 040913; note Treated like the rest
    acme: everything blue except the text -> has blue; lacks red; note Treated like the rest
    acme: keep the text red and make the rest blue -> lacks red; note Treated like the rest
    acme: more blue in the sky -> note Treated like the rest
    acme: white background, keep the text -> refused nothing would change
    logo: white background, keep the text -> corner white; note Left as it is
    logo: darker background -> darker; has 4A2B1A; note something encloses
    logo: hochauflösend, upscale 2x -> size 1200x1200; note hochauflösend
    lake: make the mountains purple -> \
     note Made the whole picture purple: this model cannot tell the mountains from the rest.
    acme: resize to 1024x1024 -> size 1024x1024; corner white; has red; silent
    noisy: remove the noise and sharpen -> silent
    logo: 3 shades of grey -> colors 3; corner F9F9F9; silent
    badge: use only navy and gold, no red -> colors 2; has navy; has gold; silent
    acme: gradient from blue to purple -> \
     refused nothing would change: there is no blue in this picture.
    logo: more whitespace around it -> size 744x744; silent
    acme: outline only in dark blue on white -> lighter; lacks red; corner white; silent
    acme: add white padding -> has red; corner white; silent
    acme: add a blue margin around it -> has red; corner blue; silent
    lake: pad to 1:1 with black -> corner black; silent
    acme: pad to 450x302 with blue -> size 450x302; corner blue; has red; silent
    acme: sharper, blue shadow -> has red; note Nothing was changed for: blue shadow.
    acme: crop away the white margins -> size 205x160; has red; silent
    acme: make it smaller -> size 150x100; silent
    acme: reduce it to half the size -> size 150x100; silent
    acme: swap red with blue -> has blue; lacks red; note There is no blue
    acme: swap black and red -> has black; lacks red; note There is no black
    acme: make the white red and the red white -> corner D62828; has white; silent
    acme: replace white with blue -> corner blue; has red; silent
    four: swap red and green and make blue darker -> \
     has D62828; has 2E8B4A; has 0A2B68; lacks 1E5AC8; silent
    four: make the green and the red darker -> has 166623; has 7A0D13; has 1E5AC8; silent
    four: make the grey transparent -> corner white; lacks grey; has 1E5AC8; silent
    four: make the blue transparent -> corner white; lacks 1E5AC8; has grey; silent
    four: make the blue 50% transparent -> corner white; lacks 1E5AC8; has grey; note 50%
    four: make the red much warmer -> has 1E5AC8; has grey; silent
    four: make red transparent -> corner white; lacks D21E28; has grey; silent
    four: make the purple transparent -> refused there is no purple
    four: invert but not the red -> corner 000000; note What was red could not be kept so.
    four: everything but the red in black and white -> has D21E28; lacks 1E5AC8; silent
    four: desaturate all but red -> has D21E28; lacks 1E5AC8; silent
    four: make it darker but not the blue -> has 1E5AC8; lacks D21E28; silent
    four: less white -> refused less white
    four: make the sky blue -> refused (sky blue)
    plain: in #0f766e -> exactly 0F766E; silent
    acme: blue and white -> exactly 2563C9; exactly FFFFFF; silent
    acme: black and gold -> exactly 161616; note exactly gold
    acme: navy and gold -> exactly 1D2F5F; note exactly gold
    acme: pink, purple and gold -> note exactly pink; note exactly gold
    acme: less yellow -> silent
    acme: only red, white and black -> exactly D62828; exactly FFFFFF
    plain: navy and gold -> exactly 1D2F5F; note exactly gold
    edged: navy and gold -> exactly 1D2F5F; note exactly gold
    uneven: purple and gold -> has purple; has gold; silent
    uneven: blue and white -> has blue; has white; lacks D21F2A; silent
    uneven: in blue -> has blue; lacks D21F2A
    plain: in white -> exactly FFFFFF; silent
    plain: replace red with #3366cc -> exactly 3366CC; silent
    acme: in #0f766e -> exactly 0F766E; exactly FFFFFF; silent
    acme: replace red with #3366cc -> exactly 3366CC; exactly FFFFFF; silent
    cut: all white -> exactly FFFFFF; lacks red; lacks BCBEC2; silent
    cut: black logo on transparent background -> exactly 161616; has white; lacks grey; note already
    cut: make it blue -> has blue; silent
    cut: in #ffff00 -> exactly FFFF00; exactly FFF81D; silent
    rounded: all white -> lacks white; note exactly white
    acme: pure black on white -> exactly 000000; exactly FFFFFF; silent
    inked: in blue -> exactly 2563C9; exactly FFFFFF; silent
    inked: replace black with red -> exactly D62828; exactly FFFFFF; silent
    inked: make black blue -> exactly 2563C9; exactly FFFFFF; silent
    edged: only three colours -> exactly FFFFFF; exactly D21F2A; silent
    lake: make the sky blue -> refused (sky blue)
    lake: make it sky blue -> silent
    lake: in sky blue -> silent
    acme: make the sky blue logo bigger -> size 450x300; silent
    acme: brightness -20% -> darker; silent
    acme: Adjust brightness: -20% -> darker; note Not understood: adjust.
    acme: brightness (-20%) -> darker; silent
    acme: contrast -30% -> darker; silent
    acme: contrast - 30% -> darker; silent
    acme: saturation -30% -> muted; silent
    acme: saturation +20 -> vivid; silent
    acme: reduce brightness to 80% -> darker; has 9D141D; silent
    acme: reduce the saturation by 50% -> muted; has A85852; silent
    acme: saturation 50% lower -> muted; has A85852; silent
    acme: half as bright -> darker; silent
    acme: turn down the brightness -> darker; silent
    acme: rotate by -90 degrees -> size 200x300; silent
    acme: make it 50% transparent -> transparent; note Not understood: 50%.
    acme: invert 50% -> corner 000000; note Not understood: 50%.
    acme: grayscale 50% -> muted; has A85852; silent
    acme: convert to 100% grayscale -> muted; lacks red; silent
    acme: at 50% scale -> size 150x100; silent
    acme: in blue, not red -> has blue; lacks red; silent
    acme: I don't like the red, make it blue -> has blue; lacks red; silent
    logo: softer colours -> muted; silent
    logo: a softer look -> muted; silent
    noisy: remove noise -> silent
    badge: remove the red sail -> refused can only remove the background
    badge: tilt it a little to the left -> size 521x521; transparent; silent
    logo: white background -> corner white; has 4A2B1A; note something encloses
    logo: more minimalist but keep the leaves green -> has 55682F; note leaves
    lake: golden hour -> vivid; silent
    lake: Make this photo look like it was taken in autumn -> refused none for: autumn
    acme: monochrome blue -> has blue; lacks red; corner white; silent
    acme: black logo on white -> has black; lacks red; corner white; silent
    acme: Make it less red -> muted; silent
    logo: darker and lighter -> lighter; note Nothing was changed for: darker.
    acme: flat style -> refused nothing would change
    grey: invert -> note Hardly anything changed
    night: sepia -> note Hardly anything changed
    acme: I would like a cool logo -> refused none for: cool logo
    acme: deep learning logo for a hot startup -> refused none for: deep learning, hot, startup
    acme: white on black -> has white; corner black; lacks red; silent
    acme: duotone navy and gold -> colors 2; has navy; has gold; silent
    logo: only these colours: navy and gold -> colors 2; has navy; has gold; silent
    acme: rotate by 10 degrees -> size 330x250; corner white; silent
    lake: rotate by 10 degrees -> transparent; silent
    logo: lighter background -> lighter; note something encloses
    product: white background -> corner white; has 2A5CA8; silent
    product: make the background gold -> corner gold; silent
    product: add a shadow -> has 2A5CA8; note had several colours, and has one now
    product: darker background -> darker; note had several colours, and has one now
    badge: add a drop shadow -> transparent; silent
    lake: 20 % brighter -> lighter; silent
    lake: less red, more blue -> silent
    lake: crop to 16:9 -> size 640x360; silent
    logo: pad to 16:9 -> size 1067x600; silent
    badge: twice as large -> size 960x960; silent
    acme: scale to 50% -> size 150x100; silent
    acme: black and white 50% smaller -> size 150x100; lacks red; silent
    acme: pastel blue -> lacks red; lighter; silent
    badge: make the red sail green -> has 2E8B4A; note cannot tell the sail from the rest
    acme: make the top half blue -> has blue; note cannot tell the top half from the rest
    badge: keep the white, everything else in green -> has FDFBF5; silent
    acme: darken the red -> darker; corner white; silent
    acme: red -> note Hardly anything changed
    ui: replace blue with red -> has D62828; lacks 2563EB; silent
    acme: navy logo on a gold background -> has navy; corner gold; note something encloses
    logo: on a white table -> refused none for: on white
    acme: turn red to blue, green to gold -> has blue; lacks red; note There is no green
    acme: rotate the blue logo to the left -> size 200x300; has red; silent
    acme: white logo on a navy background -> has white; corner navy; lacks red; silent
    acme: make the white background blue -> has red; corner blue; note something encloses
    acme: make white background with blue logo -> has blue; corner white; lacks red; silent
    acme: remove the white background -> transparent; has red; note something encloses
    product: remove the background and replace it with white -> corner white; has 2A5CA8; silent
    badge: replace the red and blue with green -> has 2E8B4A
    acme: remove the colours -> muted; silent
    acme: no green -> refused names no change
    acme: lighter, but keep the red -> refused nothing would change
    logo: don't blur it, just warmer -> silent
    badge: blue, no red -> has blue; silent
    acme: orange, no red -> has EE7F1B; silent
    lake: sharper, keep the text -> note text
    acme: make the blue darker and the red lighter -> \
     lighter; note There is no blue in this picture.
    lake: transparent background -> refused the background was left as it is
    badge: transparent background -> refused the background was transparent already.
";

const RED: u32 = 0xD21F2A;
const WHITE: u32 = 0xFFFFFF;

/// A colour by its name or its digits.
fn named(color: &str) -> u32 {
    match color {
        "red" => RED,
        "white" => WHITE,
        "blue" => 0x2563C9,
        "navy" => 0x1D2F5F,
        "purple" => 0x7B3FA6,
        "gold" => 0xCDA02E,
        "black" => 0x161616,
        "grey" => 0x808080,
        digits => u32::from_str_radix(digits, 16).unwrap(),
    }
}

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
        "cut" => ("image/png", cut(disk)),
        "rounded" => ("image/png", cut(rounded)),
        "noisy" => ("image/png", drawn(120, 90, noisy)),
        "four" => ("image/png", drawn(200, 200, four)),
        "uneven" => ("image/png", drawn(200, 200, uneven)),
        "plain" => ("image/png", drawn(50, 50, |_, _| 0xD21E28)),
        "grey" => ("image/png", drawn(50, 50, |_, _| 0x808080)),
        "slate" => ("image/png", drawn(50, 50, |_, _| 0x585858)),
        "night" => ("image/png", drawn(50, 50, |_, _| 0)),
        "edged" => ("image/png", drawn(300, 200, |x, y| edged(x, y, 0xD21F2A))),
        "inked" => ("image/png", drawn(300, 200, |x, y| edged(x, y, 0))),
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

/// A picture of 100x100 pixels, with nothing where it has no colour.
fn cut(color: fn(i32, i32) -> Option<u32>) -> Vec<u8> {
    let pixel = |place: i32| {
        let color = color(place % 100, place / 100);
        let [red, green, blue] = color::channels(color.unwrap_or_default());
        [red, green, blue, if color.is_some() { 255 } else { 0 }]
    };
    let data = (0..100 * 100).flat_map(pixel).collect();
    codec::file_with(&Pixels::new(100, 100, true, data).unwrap(), Format::Png)
}

/// A red disk with a white hole and a blue bar.
fn disk(x: i32, y: i32) -> Option<u32> {
    match (x - 50).pow(2) + (y - 40).pow(2) {
        ..100 => Some(WHITE),
        100..900 => Some(RED),
        _ => (80..90).contains(&y).then_some(0x1E5AC8),
    }
}

/// Red and blue, without the corners.
fn rounded(x: i32, y: i32) -> Option<u32> {
    let is_corner = x.min(99 - x) + y.min(99 - y) < 8;
    (!is_corner).then_some(if x < 50 { RED } else { 0x1E5AC8 })
}

/// Patches of red, blue, green and grey on white.
fn four(x: i32, y: i32) -> u32 {
    let patch = |at: i32| (20..90).contains(&(at % 90)) && (20..180).contains(&at);
    match (patch(x) && patch(y), x < 100, y < 100) {
        (false, ..) => WHITE,
        (true, true, true) => 0xD21E28,
        (true, false, true) => 0x1E5AC8,
        (true, true, false) => 0x28A03C,
        (true, false, false) => 0x808080,
    }
}

/// A large navy patch and a small red one on white.
fn uneven(x: i32, y: i32) -> u32 {
    match (
        (20..180).contains(&x),
        (20..148).contains(&y),
        (148..180).contains(&y),
    ) {
        (true, true, _) => 0x1D2F5F,
        (true, _, true) => RED,
        _ => WHITE,
    }
}

/// A disk of this colour on white, with a soft edge.
fn edged(x: i32, y: i32, color: u32) -> u32 {
    let apart = f64::from((x - 150).pow(2) + (y - 100).pow(2)).sqrt() - 60.0;
    let part = (apart / 8.0).clamp(0.0, 1.0);
    let mixed = |level: u8| (f64::from(level) + (255.0 - f64::from(level)) * part) as u32;
    let [red, green, blue] = color::channels(color);
    mixed(red) << 16 | mixed(green) << 8 | mixed(blue)
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

fn is_seen(seen: &str, before: &Pixels, after: &Pixels, notes: &[String]) -> bool {
    let (old, new) = (labs(before), labs(after));
    let chroma = |lab: &Oklab| lab.a.hypot(lab.b);
    let share = |color: &str| {
        let aim = color::from_hex_lab(named(color));
        let near = new.iter().filter(|lab| color::distance(**lab, aim) < 0.1);
        near.count() as f32 / new.len().max(1) as f32
    };
    let corner = after.iter().next().unwrap();
    let (word, of) = seen.split_once(' ').unwrap_or((seen, ""));
    match word {
        "has" => share(of) > 0.002,
        "lacks" => share(of) < 0.002,
        "exactly" => {
            let aim = color::channels(named(of));
            after.iter().filter(|pixel| rgb(pixel) == aim).count() > 500
        }
        "transparent" => alpha(corner) == 0,
        "corner" => {
            let [red, green, blue] = color::channels(named(of));
            let near = [(corner[0], red), (corner[1], green), (corner[2], blue)];
            near.iter().all(|(one, other)| one.abs_diff(*other) <= 2)
        }
        "size" => {
            let near = |one: u32, other: &str| one.abs_diff(other.parse().unwrap()) <= 2;
            let (width, height) = of.split_once('x').unwrap();
            near(after.width(), width) && near(after.height(), height)
        }
        "lighter" => mean(&new, |lab| lab.l) > mean(&old, |lab| lab.l),
        "darker" => mean(&new, |lab| lab.l) < mean(&old, |lab| lab.l),
        "vivid" => mean(&new, chroma) > mean(&old, chroma),
        "muted" => mean(&new, chroma) < mean(&old, chroma) * 0.95,
        "colors" => {
            let visible = after.iter().filter(|pixel| alpha(pixel) > 127).map(rgb);
            let colors: BTreeSet<_> = visible.collect();
            colors.len() <= of.parse::<usize>().unwrap()
        }
        "note" => notes.iter().any(|note| note.contains(of)),
        "silent" => notes.is_empty(),
        "refused" => false,
        _ => panic!("the table says {seen}"),
    }
}

#[test]
fn what_people_ask_for_is_seen_or_told() {
    let mut wrong = Vec::new();
    for line in TABLE.trim().lines() {
        let (asked, expected) = line.trim().split_once(" -> ").unwrap();
        let (name, prompt) = asked.split_once(": ").unwrap();
        let (media_type, file) = picture(name);
        let request = request(media_type, prompt);
        let format = Format::from_media_type(media_type).unwrap();
        let before = codec::decode(file.clone(), format).unwrap().pixels;
        let answer = match (refine(file, &request), expected.strip_prefix("refused ")) {
            (Ok(answer), _) => answer,
            (Err(error), Some(reason)) if error.to_string().contains(reason) => continue,
            (Err(error), _) => {
                wrong.push(format!("{asked}: {error}"));
                continue;
            }
        };
        let format = Format::from_media_type(answer.media_type).unwrap();
        let after = codec::decode(answer.bytes, format).unwrap().pixels;
        let size = (after.width(), after.height());
        for seen in expected.split("; ") {
            if !is_seen(seen, &before, &after, &answer.notes) {
                wrong.push(format!("{asked}: not {seen}, {size:?}, {:?}", answer.notes));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
