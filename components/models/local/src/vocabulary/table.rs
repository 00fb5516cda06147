//! The words that this model understands, in one table: the words, what they
//! mean, and what that does. To teach it a word, add it here; inflections
//! (lighter, lightened; browns, brownish) need no entry of their own, see
//! `words`. Articles within a phrase do.

use super::Meaning::{
    Background, By, Crop, Degree, Filler, Flip, Keep, MakeSquare, Not, On, Or, Part, Replace,
    Reverse, Rotate, Shade, Stop, Whole, Without,
};
use super::Quality::{
    Contrast, Corners, Inversion, Lightness, Minimalism, Monochrome, Outline, Pixelation,
    Posterization, Saturation, Sepia, Sharpness, Sketch, Smoothness, Temperature, Transparency,
    Vignette,
};
use super::{Entry, Meaning, Quality, Toward};

/// One row for the angles that there are.
const DEGREES: &str = "rotates by so much; by other angles it cannot";

pub const TABLE: &[Entry] = &[
    // What can be changed.
    change(
        "lighter, light, bright, brightness, luminous, airy",
        &[(Lightness, 1.0)],
        "lightens; black and white stay",
    ),
    change(
        "darker, dark, darkness, dim, gloomy, moody",
        &[(Lightness, -1.0)],
        "darkens; black and white stay",
    ),
    change(
        "pale",
        &[(Lightness, 0.8), (Saturation, -0.4)],
        "lighter and less vivid",
    ),
    change(
        "deep",
        &[(Lightness, -0.8), (Saturation, 0.3)],
        "darker and more vivid",
    ),
    change(
        "pastel",
        &[(Lightness, 1.0), (Saturation, -0.5)],
        "light, soft colours",
    ),
    change(
        "warmer, warm, warmth, cozy, cosy",
        &[(Temperature, 1.0)],
        "towards the colours of a fire",
    ),
    change(
        "cooler, cool, cold, chilly, icy, frosty",
        &[(Temperature, -1.0)],
        "towards the colours of a winter's day",
    ),
    change(
        "minimalist, minimal, minimalism, minimalistic, simple, simplify, simplified, \
         simplicity, flat, clean, plain, uncluttered, declutter, fewer colors, fewer colours, \
         fewer details, less detail, less detailed, less busy, less cluttered, less complex",
        &[(Minimalism, 1.0)],
        "few flat colours in simple shapes",
    ),
    change(
        "smooth, denoise, less noise, less noisy, less grain, less grainy",
        &[(Smoothness, 1.0)],
        "removes noise and texture, keeps edges",
    ),
    change(
        "outline, line art, line drawing, ink drawing, contour, coloring page, colouring page",
        &[(Outline, 1.0)],
        "dark lines where colours meet, on white",
    ),
    change(
        "sketch, in pencil, pencil sketch, pencil drawing, pencil style, charcoal drawing, \
         hand drawn, as a drawing, like a drawing, into a drawing",
        &[(Sketch, 1.0)],
        "as if drawn with a pencil",
    ),
    change(
        "pixelate, pixelation, pixel art, pixel style, mosaic, blocky, 8 bit",
        &[(Pixelation, 1.0)],
        "squares of one colour each",
    ),
    change(
        "transparent background, transparent, transparency, see through, cut out, cutout",
        &[(Transparency, 1.0)],
        "what has the border's colour, from the border inwards, becomes transparent; so it does \
         without or with no background",
    ),
    change(
        "posterize, posterise, posterization, posterisation, poster effect, poster style",
        &[(Posterization, 1.0)],
        "few levels of lightness, hues kept",
    ),
    change(
        "pop art",
        &[(Posterization, 1.0), (Saturation, 1.0)],
        "posterized and vivid",
    ),
    change(
        "invert, inversion, inverse, negative, reverse colors, reverse colours, \
         reverse the colors, reverse the colours",
        &[(Inversion, 1.0)],
        "each colour becomes its opposite, as on a film negative",
    ),
    change(
        "monochrome, monochromatic, black and white, black white, black & white, b & w, \
         grayscale, greyscale, gray scale, grey scale, no color, no colour, without color, \
         without colour, colorless, colourless",
        &[(Monochrome, 1.0)],
        "shades of grey",
    ),
    change("sepia", &[(Sepia, 1.0)], "the brown of old photographs"),
    change(
        "vintage, retro, nostalgic, old fashioned, antique, aged",
        &[(Sepia, 0.6), (Contrast, -0.6), (Vignette, 0.6)],
        "faded towards sepia, with a vignette",
    ),
    change(
        "contrast, contrasty, bold, punchy, dramatic, striking",
        &[(Contrast, 1.0)],
        "dark parts darker, light parts lighter",
    ),
    change(
        "faded, hazy, washed out",
        &[(Contrast, -1.0), (Saturation, -0.4)],
        "less contrast and less vivid",
    ),
    change(
        "softer contrast, soft contrast",
        &[(Contrast, -1.0)],
        "less contrast",
    ),
    change(
        "saturation, saturate, vivid, vibrant, vibrance, vibrancy, colorful, colourful, \
         more color, more colour, rich, intense, pop",
        &[(Saturation, 1.0)],
        "more vivid; greys stay grey",
    ),
    change(
        "neon",
        &[(Saturation, 1.5), (Contrast, 0.5)],
        "very vivid, with more contrast",
    ),
    change(
        "muted, mute, desaturate, desaturation, dull, subdued, less color, less colour, \
         soft color, soft colour, tone down, toned down",
        &[(Saturation, -1.0)],
        "less vivid",
    ),
    change(
        "blur, blurry, defocus, out of focus, soft, dreamy",
        &[(Sharpness, -1.0)],
        "blurs",
    ),
    change(
        "sharpen, sharp, crisp, clear, clarity, in focus, detailed",
        &[(Sharpness, 1.0)],
        "sharpens edges",
    ),
    change(
        "vignette, dark edge, dark corner",
        &[(Vignette, 1.0)],
        "darker towards the corners",
    ),
    change(
        "rounded corners, round corner, round the corner, corner round, soft corner, round edge",
        &[(Corners, 1.0)],
        "corners rounded off, transparent beyond",
    ),
    change(
        "circle crop, circular crop, crop in a circle, crop to a circle, crop it to a circle, \
         round crop",
        &[(Corners, 4.0)],
        "as round as can be; of a square, a circle",
    ),
    // What can be done as to a sheet of paper.
    entry(
        "rotate, rotation",
        Rotate,
        "a quarter clockwise, or as one of the next four says",
    ),
    toward(
        "left, counterclockwise, counter clockwise, anticlockwise, anti clockwise",
        Toward::Left,
        "rotates the other way",
    ),
    toward("right, clockwise", Toward::Right, "rotates clockwise"),
    toward("90, quarter turn", Toward::Quarters(1), DEGREES),
    toward("180, half turn", Toward::Quarters(2), DEGREES),
    toward("270", Toward::Quarters(3), DEGREES),
    toward(
        "upside down",
        Toward::UpsideDown,
        "rotates by a half, also by itself",
    ),
    entry(
        "flip, mirror",
        Flip,
        "left and right change places, or as the next two say",
    ),
    toward(
        "vertically, vertical, top to bottom",
        Toward::Vertical,
        "flips top and bottom",
    ),
    toward(
        "horizontally, horizontal, left to right",
        Toward::Horizontal,
        "flips left and right",
    ),
    entry("crop", Crop, "crops, but only to a square"),
    toward(
        "square",
        Toward::Square,
        "with crop: to the square in the middle",
    ),
    entry(
        "make it square, make it a square, square format, square image, square aspect ratio",
        MakeSquare,
        "keeps the square in the middle",
    ),
    // Colours.
    color("brown", 0x8B5A2B),
    color("tan, caramel", 0xC79A63),
    color("beige, sand, khaki", 0xD9C3A0),
    color("cream, ivory, off white", 0xF5E9CF),
    color("terracotta, rust, sienna", 0xB5532F),
    color("red, scarlet", 0xD62828),
    color("crimson", 0xB5123B),
    color("burgundy, maroon", 0x751F2E),
    color("pink", 0xEC7FA9),
    color("magenta, fuchsia", 0xC9309C),
    color("coral, salmon", 0xF4795B),
    color("orange", 0xEE7F1B),
    color("peach, apricot", 0xF6B48B),
    color("amber", 0xE9A100),
    color("gold", 0xCDA02E),
    color("yellow", 0xF2CF1D),
    color("lime", 0x9ACD32),
    color("olive", 0x7A7A2A),
    color("green, emerald", 0x2E8B4A),
    color("mint", 0x8FD9B6),
    color("teal", 0x12807C),
    color("turquoise, aqua", 0x2DBFB8),
    color("cyan", 0x17B4D4),
    color("sky blue", 0x6DB7E8),
    color("blue, azure, cobalt", 0x2563C9),
    color("navy, navy blue", 0x1D2F5F),
    color("indigo", 0x45379B),
    color("purple, violet", 0x7B3FA6),
    color("lavender, lilac", 0xB9A3DD),
    color("black", 0x161616),
    color("charcoal", 0x3A3A3C),
    color("gray, grey", 0x808080),
    color("silver", 0xBCBEC2),
    color("white", 0xFAFAFA),
    // A colour named with its kind is that one colour.
    color("lime green", 0x9ACD32),
    color("olive green", 0x7A7A2A),
    color("mint green", 0x8FD9B6),
    color("emerald green", 0x2E8B4A),
    color("chocolate brown, coffee brown", 0x6B4226),
    entry(
        "shade, tone, tint, hue, of, version, colored, coloured",
        Shade,
        "holds a shade and its colour together: lighter shades of brown",
    ),
    entry(
        "replace, change, turn, swap, convert, switch, from",
        Replace,
        "with to, into, with or by: replace red with blue",
    ),
    // How much, and whether at all.
    entry(
        "slightly, slight, a bit, bit, a little, little bit, a touch, a tad, somewhat, subtly, \
         subtle, gently, gentle, softly, mildly",
        Degree(0.5),
        "half as much, of the next change or else of the last",
    ),
    entry(
        "much, very, a lot, lots, far, way, really, strongly, strong, stronger, heavily, \
         significantly, considerably, dramatically, extremely",
        Degree(1.5),
        "half as much again",
    ),
    entry(
        "less, reduce, decrease, lower, low, fewer, too, overly, weak",
        Reverse,
        "the next change the other way round, where there is one",
    ),
    entry(
        "not, never, don't, dont, doesn't, isn't, shouldn't, mustn't, avoid",
        Not,
        "the next change is not made",
    ),
    entry(
        "without, no, remove, delete, erase",
        Without,
        "the next change is not made; what the picture shows cannot be removed, except the \
         background",
    ),
    entry(
        "keep, preserve, retain, maintain",
        Keep,
        "the next change is not made, and a colour that is named stays",
    ),
    entry(
        "background, backdrop",
        Background,
        "can be made transparent; what else is asked for it is left undone, as rules cannot \
         tell it from the rest",
    ),
    entry(
        "foreground, text, letter, lettering, font, border, frame, sky, negative space, \
         background change",
        Part,
        "rules cannot tell parts apart: what is asked for one is left undone",
    ),
    // What prompts are full of.
    entry("or, nor", Or, ""),
    entry("and, &, but, then, also, while, plus", Stop, ""),
    entry("to, into, with, by", By, ""),
    entry("on, over, at", On, ""),
    entry("it, its, everything, all", Whole, ""),
    entry(
        "a, an, the, this, that, these, those, is, are, be, i, we, you, my, our, your, me, s, t, \
         d, ll, re, m, do",
        Filler,
        "",
    ),
    entry(
        "please, make, made, use, give, let, have, has, get, want, need, would, like, should, \
         could, can, apply, enhance, improve, increase, raise, boost, add, bring, set, look, \
         feel, seem, appear",
        Filler,
        "",
    ),
    entry(
        "so, as, in, for, more, most, high, whole, entire, overall, some, just, only, there, \
         than, now, up, out, degree",
        Filler,
        "",
    ),
    entry(
        "style, design, effect, image, picture, photo, photograph, logo, concept, icon, color, \
         colour, palette, scheme",
        Filler,
        "",
    ),
];

const fn entry(words: &'static str, meaning: Meaning, does: &'static str) -> Entry {
    Entry {
        words,
        meaning,
        does,
    }
}

const fn change(
    words: &'static str,
    changes: &'static [(Quality, f32)],
    does: &'static str,
) -> Entry {
    entry(words, Meaning::Change(changes), does)
}

const fn toward(words: &'static str, toward: Toward, does: &'static str) -> Entry {
    entry(words, Meaning::Toward(toward), does)
}

const fn color(words: &'static str, hex: u32) -> Entry {
    const DOES: &str = "recolours in shades of it; several go from the dark to the light parts; \
        white, and grey beside colours, stay nearly so";
    entry(words, Meaning::Color(hex), DOES)
}
