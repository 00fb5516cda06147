//! What the words of a prompt can mean to this model. Which words mean what
//! stands in `vocabulary.txt`, and nowhere else: the reading of prompts, the command
//! line and `docs/local-model.md` all take them from there.

mod table;
mod text;

pub use table::TABLE;
pub use text::{printed, summary};

/// A property of the whole image that can be changed. They are in the order
/// in which they are changed: what simplifies comes before what colours, and
/// sharpness, edges and corners come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Less of what is around the subject.
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
    /// What has the border's colour, from the border inwards, made transparent.
    Transparency,
    /// Few levels of lightness and colour.
    Posterization,
    /// As on a film negative.
    Inversion,
    /// Warm (more) or cool (less).
    Temperature,
    Saturation,
    /// No colour at all.
    Monochrome,
    /// In the brown of old photographs.
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
    /// Whether there can be less of it than the image has. The others cannot
    /// be undone.
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

/// What can be done to an image as to a sheet of paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// By 90° clockwise.
    Right,
    /// By 180°.
    Half,
    /// By 90° counterclockwise.
    Left,
    /// Left and right change places.
    Mirror,
    /// Top and bottom change places.
    Flip,
    /// The square in the middle is kept.
    Square,
}

/// Which way to rotate, flip or crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    Left,
    Right,
    /// So many times 90°.
    Quarters(u8),
    /// By itself: rotate by 180°.
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
    /// "rotate": clockwise by 90°, if nothing else is said.
    Rotate,
    /// "flip": left and right, if nothing else is said.
    Flip,
    /// "crop", which needs to be told to what.
    Crop,
    /// The image cropped to a square, whatever else is said.
    MakeSquare,
    /// The same with a circle.
    MakeCircle,
    /// Says more of one of those five, before or after it.
    Toward(Toward),
    /// Recolour in shades of this.
    Color(u32),
    /// So many of what follows: "*two* colours".
    Number(u8),
    /// "colours", "shades": what a number counts.
    ColorWord,
    /// Black and white without greys.
    BlackAndWhite,
    /// The next change, or else the last one, is to be so many times as
    /// strong: "slightly", "much".
    Degree(f32),
    /// The next change is to be the other way round: "less", "too".
    Reverse,
    /// The next change is not to be made: "not".
    Not,
    /// As `Not`; but without the background is with a transparent one.
    Without,
    /// What follows is to stay as it is: "keep".
    Keep,
    /// The image as a whole: "keep it simple" asks for simple.
    Whole,
    /// A colour follows, and then another that is to take its place:
    /// "replace", "turn".
    Replace,
    /// Stands between those two: "to", "into", "with".
    By,
    /// Holds a shade and its colour together: "lighter shades *of* brown".
    Shade,
    /// Parts a change from what follows: "lighter *on* a brown table".
    On,
    /// Something that the picture shows may follow: "*the* cup".
    Definite,
    /// Names a part of the picture. Rules cannot find parts, so an edit of one
    /// ("white text") is not made.
    Part,
    /// The only part that can be found, and only to be removed.
    Background,
    /// Ends what the words before it can refer to.
    Stop,
    /// As `Stop`, but goes on with what is not wanted: "no blur *or* vignette".
    Or,
    /// A filler word, not reported.
    Filler,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Under which title it is printed.
    pub section: &'static str,
    /// Words or phrases of several words, in lower case, between commas; the
    /// first of them is what the entry is called.
    pub words: &'static str,
    pub meaning: Meaning,
    /// What it does, in a few words. Empty for what does nothing.
    pub does: &'static str,
}

impl Entry {
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.words.split(", ")
    }
}
