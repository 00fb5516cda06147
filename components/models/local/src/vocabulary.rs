//! The words that this model understands, in one table. To teach it a word,
//! add it here; inflections (lighter, lightened; browns, brownish) need no
//! entry of their own, see `words`.

/// A property of the whole image that can be changed. They are in the order
/// in which they are changed: what simplifies comes before what colours, and
/// sharpness comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Fewer colours in simpler shapes. Cannot be undone.
    Minimalism,
    /// Noise and texture removed, edges kept. Cannot be undone.
    Smoothness,
    /// Warm (more) or cool (less).
    Temperature,
    Saturation,
    /// No colour at all. Cannot be undone.
    Monochrome,
    Lightness,
    Contrast,
    /// Sharp (more) or blurred (less).
    Sharpness,
}

impl Quality {
    /// Whether there can be less of it than the image has.
    pub fn can_be_less(self) -> bool {
        !matches!(self, Self::Minimalism | Self::Smoothness | Self::Monochrome)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    /// More (above 0) or less of some qualities; 1 is as much as the plain
    /// word asks for.
    Change(&'static [(Quality, f32)]),
    /// Recolour in shades of this.
    Color(u32),
    /// The next change is to be so many times as strong: "slightly", "much".
    Degree(f32),
    /// The next change is to be the other way round: "less", "too".
    Reverse,
    /// The next change is not to be made: "not", "without".
    Not,
    /// A colour that follows is to stay as it is: "keep".
    Keep,
    /// A colour follows, and then another that is to take its place:
    /// "replace", "turn".
    Replace,
    /// Stands between those two: "to", "into", "with".
    By,
    /// Holds a shade and its colour together: "lighter *shades of* brown".
    Shade,
    /// Names a part of the picture. Rules cannot tell parts apart, so a colour
    /// that is asked for one of them ("white background") is left undone.
    Part,
    /// Ends what the words before it can refer to.
    Stop,
    /// Says nothing about the image, and is not worth mentioning.
    Filler,
}

pub struct Entry {
    /// Words or phrases of several words, in lower case; the first of them is
    /// what the entry is called.
    pub words: &'static [&'static str],
    pub meaning: Meaning,
}

use Meaning::{By, Degree, Filler, Keep, Not, Part, Replace, Reverse, Shade, Stop};
use Quality::{
    Contrast, Lightness, Minimalism, Monochrome, Saturation, Sharpness, Smoothness, Temperature,
};

pub const TABLE: &[Entry] = &[
    // What can be changed.
    change(
        &[
            "lighter",
            "light",
            "bright",
            "brightness",
            "luminous",
            "airy",
        ],
        &[(Lightness, 1.0)],
    ),
    change(
        &["darker", "dark", "darkness", "dim", "gloomy", "moody"],
        &[(Lightness, -1.0)],
    ),
    change(&["pale"], &[(Lightness, 0.8), (Saturation, -0.4)]),
    change(&["deep"], &[(Lightness, -0.8), (Saturation, 0.3)]),
    change(&["pastel"], &[(Lightness, 1.0), (Saturation, -0.5)]),
    change(
        &["warmer", "warm", "warmth", "cozy", "cosy"],
        &[(Temperature, 1.0)],
    ),
    change(
        &["cooler", "cool", "cold", "chilly", "icy", "frosty"],
        &[(Temperature, -1.0)],
    ),
    change(
        &[
            "minimalist",
            "minimal",
            "minimalism",
            "minimalistic",
            "simple",
            "simplify",
            "simplified",
            "simplicity",
            "flat",
            "clean",
            "plain",
            "uncluttered",
            "declutter",
            "fewer colors",
            "fewer colours",
            "fewer details",
            "less detail",
            "less detailed",
            "less busy",
            "less cluttered",
            "less complex",
        ],
        &[(Minimalism, 1.0)],
    ),
    change(
        &[
            "smooth",
            "denoise",
            "less noise",
            "less noisy",
            "less grain",
            "less grainy",
        ],
        &[(Smoothness, 1.0)],
    ),
    change(
        &[
            "monochrome",
            "monochromatic",
            "black and white",
            "black white",
            "black & white",
            "b & w",
            "grayscale",
            "greyscale",
            "gray scale",
            "grey scale",
            "no color",
            "no colour",
            "without color",
            "without colour",
            "colorless",
            "colourless",
        ],
        &[(Monochrome, 1.0)],
    ),
    change(
        &[
            "contrast",
            "contrasty",
            "bold",
            "punchy",
            "dramatic",
            "striking",
        ],
        &[(Contrast, 1.0)],
    ),
    change(
        &["faded", "hazy", "washed out"],
        &[(Contrast, -1.0), (Saturation, -0.4)],
    ),
    change(
        &[
            "saturation",
            "saturate",
            "vivid",
            "vibrant",
            "vibrance",
            "vibrancy",
            "colorful",
            "colourful",
            "more color",
            "more colour",
            "rich",
            "intense",
            "pop",
        ],
        &[(Saturation, 1.0)],
    ),
    change(&["neon"], &[(Saturation, 1.5), (Contrast, 0.5)]),
    change(
        &[
            "muted",
            "mute",
            "desaturate",
            "desaturation",
            "dull",
            "subdued",
            "less color",
            "less colour",
            "tone down",
            "toned down",
        ],
        &[(Saturation, -1.0)],
    ),
    change(
        &[
            "blur",
            "blurry",
            "defocus",
            "out of focus",
            "soft",
            "dreamy",
        ],
        &[(Sharpness, -1.0)],
    ),
    change(
        &[
            "sharpen", "sharp", "crisp", "clear", "clarity", "in focus", "detailed",
        ],
        &[(Sharpness, 1.0)],
    ),
    // Colours.
    color(&["brown"], 0x8B5A2B),
    color(&["tan", "caramel"], 0xC79A63),
    color(&["beige", "sand", "khaki"], 0xD9C3A0),
    color(&["cream", "ivory", "off white"], 0xF5E9CF),
    color(&["terracotta", "rust", "sienna"], 0xB5532F),
    color(&["red", "scarlet"], 0xD62828),
    color(&["crimson"], 0xB5123B),
    color(&["burgundy", "maroon"], 0x751F2E),
    color(&["pink"], 0xEC7FA9),
    color(&["magenta", "fuchsia"], 0xC9309C),
    color(&["coral", "salmon"], 0xF4795B),
    color(&["orange"], 0xEE7F1B),
    color(&["peach", "apricot"], 0xF6B48B),
    color(&["amber"], 0xE9A100),
    color(&["gold"], 0xCDA02E),
    color(&["yellow"], 0xF2CF1D),
    color(&["lime"], 0x9ACD32),
    color(&["olive"], 0x7A7A2A),
    color(&["green", "emerald"], 0x2E8B4A),
    color(&["mint"], 0x8FD9B6),
    color(&["teal"], 0x12807C),
    color(&["turquoise", "aqua"], 0x2DBFB8),
    color(&["cyan"], 0x17B4D4),
    color(&["sky blue"], 0x6DB7E8),
    color(&["blue", "azure", "cobalt"], 0x2563C9),
    color(&["navy", "navy blue"], 0x1D2F5F),
    color(&["indigo"], 0x45379B),
    color(&["purple", "violet"], 0x7B3FA6),
    color(&["lavender", "lilac"], 0xB9A3DD),
    color(&["black"], 0x161616),
    color(&["charcoal"], 0x3A3A3C),
    color(&["gray", "grey"], 0x808080),
    color(&["silver"], 0xBCBEC2),
    color(&["white"], 0xFAFAFA),
    // A colour named with its kind is that one colour.
    color(&["lime green"], 0x9ACD32),
    color(&["olive green"], 0x7A7A2A),
    color(&["mint green"], 0x8FD9B6),
    color(&["emerald green"], 0x2E8B4A),
    color(&["chocolate brown", "coffee brown"], 0x6B4226),
    // How much, and whether at all.
    entry(
        &[
            "slightly",
            "slight",
            "a bit",
            "bit",
            "a little",
            "little bit",
            "a touch",
            "a tad",
            "somewhat",
            "subtly",
            "subtle",
            "gently",
            "gentle",
            "mildly",
        ],
        Degree(0.5),
    ),
    entry(
        &[
            "much",
            "very",
            "a lot",
            "far",
            "way",
            "really",
            "strongly",
            "strong",
            "heavily",
            "significantly",
            "considerably",
            "dramatically",
            "extremely",
        ],
        Degree(1.5),
    ),
    entry(
        &[
            "less", "reduce", "decrease", "lower", "low", "fewer", "too", "overly", "weak",
        ],
        Reverse,
    ),
    entry(
        &[
            "not", "no", "without", "never", "don", "dont", "isn", "avoid", "remove",
        ],
        Not,
    ),
    entry(&["keep", "preserve", "retain", "maintain"], Keep),
    entry(
        &[
            "replace", "change", "turn", "swap", "convert", "switch", "from",
        ],
        Replace,
    ),
    entry(&["to", "into", "with", "by"], By),
    entry(
        &[
            "shade", "tone", "tint", "hue", "of", "version", "colored", "coloured",
        ],
        Shade,
    ),
    entry(
        &[
            "background",
            "backdrop",
            "foreground",
            "text",
            "letter",
            "lettering",
            "font",
            "border",
            "frame",
            "sky",
        ],
        Part,
    ),
    entry(
        &["and", "&", "but", "or", "then", "also", "while", "plus"],
        Stop,
    ),
    // What prompts are full of.
    entry(
        &[
            "a", "an", "the", "this", "that", "these", "those", "it", "its", "is", "are", "be",
            "i", "we", "you", "my", "our", "your", "me", "s", "t", "d", "ll", "re", "m", "do",
        ],
        Filler,
    ),
    entry(
        &[
            "please", "make", "made", "use", "give", "let", "have", "has", "get", "want", "need",
            "would", "like", "should", "could", "can", "apply", "enhance", "improve", "increase",
            "raise", "boost", "add", "bring", "set", "look", "feel", "seem", "appear",
        ],
        Filler,
    ),
    entry(
        &[
            "so",
            "as",
            "in",
            "on",
            "for",
            "at",
            "more",
            "most",
            "high",
            "all",
            "whole",
            "entire",
            "overall",
            "some",
            "just",
            "only",
            "there",
            "than",
            "now",
            "up",
            "out",
            "everything",
        ],
        Filler,
    ),
    entry(
        &[
            "style",
            "design",
            "effect",
            "image",
            "picture",
            "photo",
            "photograph",
            "logo",
            "concept",
            "icon",
            "color",
            "colour",
            "palette",
            "scheme",
        ],
        Filler,
    ),
];

const fn entry(words: &'static [&'static str], meaning: Meaning) -> Entry {
    Entry { words, meaning }
}

const fn change(words: &'static [&'static str], changes: &'static [(Quality, f32)]) -> Entry {
    entry(words, Meaning::Change(changes))
}

const fn color(words: &'static [&'static str], hex: u32) -> Entry {
    entry(words, Meaning::Color(hex))
}

/// What the model understands, in words for the person who wrote the prompt.
pub fn summary() -> String {
    let names = |wanted: fn(&Meaning) -> bool| {
        TABLE
            .iter()
            .filter(|entry| wanted(&entry.meaning))
            .filter_map(|entry| entry.words.first().copied())
            .filter(|name| !name.contains(' '))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "{}; and the colours {}",
        names(|meaning| matches!(meaning, Meaning::Change(_))),
        names(|meaning| matches!(meaning, Meaning::Color(_))),
    )
}
