//! The meanings of words for the local model. Which word means what is defined only in
//! `vocabulary.txt`: prompts, the command line and `docs/local-model.md` all use that
//! table. It is a crate of its own so that the command line has the words without the
//! model's image codecs.

mod table;
mod text;

pub use table::TABLE;
pub use text::{name, printed};

use serde::Deserialize;

/// A property of the whole image that can be changed. The order is that of the changes:
/// simplifications come before colours; sharpness, edges and corners come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quality {
    /// Less space around the subject.
    Tightness,
    /// Fewer colours in simpler shapes.
    Minimalism,
    /// Noise and texture removed, edges kept.
    Smoothness,
    /// Lines of ink where colours meet, on paper.
    Outline,
    /// As if drawn with a pencil.
    Sketch,
    /// In squares of one colour.
    Pixelation,
    /// Pixels of the border's colour that are connected to the border become transparent.
    Transparency,
    /// Few levels of lightness and colour.
    Posterization,
    /// Like a film negative.
    Inversion,
    /// Light on dark (more) or dark on light (less); hues stay.
    DarkMode,
    /// Warm (more) or cool (less).
    Temperature,
    Saturation,
    /// No colour at all.
    Monochrome,
    /// The brown of old photographs.
    Sepia,
    Lightness,
    Contrast,
    /// Sharp (more) or blurred (less).
    Sharpness,
    /// Darker towards the corners.
    Vignette,
    /// Behind what stands on the background.
    Shadow,
    /// Rounded corners.
    Corners,
}

impl Quality {
    /// Whether it can be reduced below what the image has. The others cannot be undone.
    pub fn can_be_less(self) -> bool {
        use Quality::*;
        match self {
            Temperature | Saturation | Lightness | Contrast | Sharpness | DarkMode => true,
            Tightness | Minimalism | Smoothness | Outline | Sketch | Pixelation => false,
            Transparency | Posterization | Inversion | Monochrome => false,
            Sepia | Vignette | Shadow | Corners => false,
        }
    }
}

/// Geometric changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// By 90° clockwise.
    Right,
    /// By 180°.
    Half,
    /// By 90° counterclockwise.
    Left,
    /// Left and right are swapped.
    Mirror,
    /// Top and bottom are swapped.
    Flip,
    /// Crops to the square in the middle.
    Square,
}

/// A direction or target for rotating, flipping or cropping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Toward {
    Left,
    Right,
    /// This many times 90°.
    Quarters(u8),
    /// On its own: rotate by 180°.
    UpsideDown,
    Vertical,
    Horizontal,
    /// To a square.
    Square,
    /// To a circle.
    Circle,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// More (above 0) or less of some qualities; 1 is as much as the plain
    /// word asks for.
    #[serde(skip)]
    Change(&'static [(Quality, f32)]),
    /// "rotate": clockwise by 90° unless specified otherwise.
    Rotate,
    /// "tilt": the same by a few degrees.
    Tilt,
    /// "flip": left and right unless specified otherwise.
    Flip,
    /// "crop", which needs a target shape.
    Crop,
    /// Crop to a square, regardless of other words.
    MakeSquare,
    /// The same with a circle.
    MakeCircle,
    /// Specifies one of these, before or after it.
    Toward(Toward),
    /// Changes the size by this factor.
    Scale(f32),
    /// Doubles the size, with new detail.
    Enlarge,
    /// "resize", which needs a size.
    Resize,
    /// Adds space around the picture.
    Pad,
    /// Recolour in shades of this.
    Color(u32),
    /// A number of what follows: "*two* colours".
    Number(u8),
    /// Another number as written, such as an angle.
    Figure(f32),
    /// "20%", in hundredths.
    Percent(f32),
    /// "half", of what a comparison names: "half as bright".
    Share(f32),
    /// "2x"
    Times(f32),
    /// "1024x768"
    Size(u32, u32),
    /// "16:9"
    Ratio(u32, u32),
    /// "colours", "shades": what a number counts.
    ColorWord,
    /// "duotone": two colours.
    Duotone,
    /// Black and white without greys.
    BlackAndWhite,
    /// Multiplies the strength of the next change, or else the last one: "slightly",
    /// "much".
    Degree(f32),
    /// Reverses the next change: "less", "too".
    Reverse,
    /// More of the colour that follows.
    More,
    /// No colours but those that follow.
    Only,
    /// The next change must not be made: "not".
    Not,
    /// Like `Not`; but "without the background" makes it transparent.
    Without,
    /// Like `Without`, of something that the picture has.
    Remove,
    /// What follows must not change: "keep".
    Keep,
    /// The image as a whole: "keep it simple" asks for simple.
    Whole,
    /// Followed by a colour and by its replacement: "replace", "turn".
    Replace,
    /// Between these two colours: "to", "into", "with".
    By,
    /// Followed by two colours, each of which becomes the other.
    Swap,
    /// "instead of": the colour before it replaces the one after it.
    Instead,
    /// Connects a shade with its colour: "lighter shades *of* brown".
    Shade,
    /// Separates a change from what follows: "lighter *on* a brown table". A colour that
    /// follows is the background's.
    On,
    /// May be followed by an object in the picture: "*the* cup".
    Definite,
    /// A part of the picture. Rules cannot find parts, so edits of a part ("white text")
    /// are not made.
    Part,
    /// The only part that can be found: it can be removed, or get another colour.
    Background,
    /// The background in one colour.
    SolidBackground,
    /// Says nothing that rules can act on, though its words do elsewhere: "a cool logo".
    Vague,
    /// Ends the context of the words before it.
    Stop,
    /// Like `Stop`, but continues a list of unwanted things: "no blur *or* vignette".
    Or,
    /// A filler word, which is not reported.
    Filler,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The title of the section in which it is printed.
    pub section: &'static str,
    /// Words or phrases, in lower case, separated by commas; the first one is the entry's
    /// name.
    pub words: &'static str,
    pub meaning: Meaning,
    /// Its effect, in a few words. Empty if it has none.
    pub does: &'static str,
}

impl Entry {
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.words.split(", ")
    }
}
