//! The meanings of words for the local model. Which word means what is defined only in
//! `vocabulary.txt`: prompts, the command line and `docs/local-model.md` all use that
//! table. It is a crate of its own so that the command line has the words without the
//! model's image codecs.

mod table;
mod text;

pub use table::TABLE;
pub use text::{printed, summary};

/// A property of the whole image that can be changed. The order is that of the changes:
/// simplifications come before colours; sharpness, edges and corners come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Rounded corners.
    Corners,
}

impl Quality {
    /// Whether it can be reduced below what the image has. The others cannot be undone.
    pub fn can_be_less(self) -> bool {
        match self {
            Self::Temperature
            | Self::Saturation
            | Self::Lightness
            | Self::Contrast
            | Self::Sharpness => true,
            Self::Tightness
            | Self::Minimalism
            | Self::Smoothness
            | Self::Outline
            | Self::Sketch
            | Self::Pixelation
            | Self::Transparency
            | Self::Posterization
            | Self::Inversion
            | Self::Monochrome
            | Self::Sepia
            | Self::Vignette
            | Self::Corners => false,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    /// More (above 0) or less of some qualities; 1 is as much as the plain
    /// word asks for.
    Change(&'static [(Quality, f32)]),
    /// "rotate": clockwise by 90° unless specified otherwise.
    Rotate,
    /// "flip": left and right unless specified otherwise.
    Flip,
    /// "crop", which needs a target shape.
    Crop,
    /// Crop to a square, regardless of other words.
    MakeSquare,
    /// The same with a circle.
    MakeCircle,
    /// Specifies one of these five, before or after it.
    Toward(Toward),
    /// Recolour in shades of this.
    Color(u32),
    /// A number of what follows: "*two* colours".
    Number(u8),
    /// "colours", "shades": what a number counts.
    ColorWord,
    /// Black and white without greys.
    BlackAndWhite,
    /// Multiplies the strength of the next change, or else the last one: "slightly",
    /// "much".
    Degree(f32),
    /// Reverses the next change: "less", "too".
    Reverse,
    /// The next change must not be made: "not".
    Not,
    /// Like `Not`; but "without the background" makes it transparent.
    Without,
    /// What follows must not change: "keep".
    Keep,
    /// The image as a whole: "keep it simple" asks for simple.
    Whole,
    /// Followed by a colour and by its replacement: "replace", "turn".
    Replace,
    /// Between these two colours: "to", "into", "with".
    By,
    /// Connects a shade with its colour: "lighter shades *of* brown".
    Shade,
    /// Separates a change from what follows: "lighter *on* a brown table".
    On,
    /// May be followed by an object in the picture: "*the* cup".
    Definite,
    /// A part of the picture. Rules cannot find parts, so edits of a part ("white text")
    /// are not made.
    Part,
    /// The only part that can be found; it can only be removed.
    Background,
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
