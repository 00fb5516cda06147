//! The parts of a plan.

use concept_refinement_vocabulary::{Quality, Turn};

/// How much of the contrast, and of the saturation, an amount of -1 takes away.
pub const CONTRAST_LOSS: f32 = 0.45;
pub const SATURATION_LOSS: f32 = 0.65;

/// The lowest contrast that words ask for: it leaves 35 %. A percentage may take all of it.
pub const LEAST_CONTRAST: f32 = -0.65 / CONTRAST_LOSS;

#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Turn(Turn),
    /// By so many degrees clockwise, none of them a multiple of 90.
    Rotate(f32),
    /// Crops to this ratio of width to height, in the middle.
    Crop(u32, u32),
    /// More (above 0) or less of a quality; 1 is what the plain word asks for.
    Adjust(Quality, f32),
    Recolor(Recolor),
    /// Each first colour becomes the second, all at once.
    Replace(Vec<Replacement>),
    /// More (above 0) or less of a quality, of one colour alone.
    Alter(u32, Quality, f32),
    /// More (above 0) or less of a colour in all others.
    Shift(u32, f32),
    /// Only these: of what stands on the background, and of the background.
    Ink {
        ink: u32,
        paper: u32,
    },
    /// Shifts colours towards these, each an sRGB `0xRRGGBB`.
    Steer(Vec<u32>),
    Quantize(Quantize),
    Ground(Ground),
    /// In this colour.
    Pad(Pad, Ground),
    Resize(Resize),
    /// Crops to a circle in the middle.
    Circle,
}

/// One colour becomes another, each an sRGB `0xRRGGBB`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replacement {
    pub from: u32,
    pub to: u32,
    /// As in `Recolor`.
    pub shade: f32,
    pub amount: f32,
}

/// The one colour of a background.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ground {
    /// None: its own.
    pub color: Option<u32>,
    /// Lighter (above 0) or darker than that.
    pub shade: f32,
}

/// Adds space around the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pad {
    /// 1 is what the plain word asks for.
    Margin(f32),
    /// Up to this ratio of width to height.
    Ratio(u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resize {
    /// Doubles the size, once or twice.
    Enlarge {
        twice: bool,
    },
    Scale(f32),
    /// To this width and height; what the picture does not fill becomes background of this colour.
    To(u32, u32, Ground),
}

/// Reduces to this number of colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantize {
    pub count: u8,
    /// The colours, each an sRGB `0xRRGGBB`. Empty: the picture's own.
    pub to: Vec<u32>,
}

/// Recolours into shades of some colours, each an sRGB `0xRRGGBB`.
#[derive(Clone, Debug, PartialEq)]
pub struct Recolor {
    /// At least one; if there are several, from the dark to the light parts.
    pub to: Vec<u32>,
    /// Lighter (above 0) or darker shades than the colours themselves.
    pub shade: f32,
    /// 1 recolours completely, less only tints.
    pub amount: f32,
    /// Greys too, in a picture that has colours.
    pub with_greys: bool,
}

/// Words, in lower case, that led to no edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unused {
    /// The vocabulary does not contain it.
    Unknown(String),
    /// It is impossible: "less sepia", "crop".
    Undone(String),
    /// It is not wanted, and was not done: "not blue".
    Unwanted(String),
    /// It is about a part of the picture: "background blue".
    OfPart(String),
}

impl Unused {
    pub fn unknown(&self) -> Option<&str> {
        match self {
            Self::Unknown(word) => Some(word),
            _ => None,
        }
    }

    pub fn undone(&self) -> Option<&str> {
        match self {
            Self::Undone(words) => Some(words),
            _ => None,
        }
    }

    pub fn of_part(&self) -> Option<&str> {
        match self {
            Self::OfPart(words) => Some(words),
            _ => None,
        }
    }
}

/// A change that was meant for an object in the picture, and is applied to the whole
/// picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widened {
    /// "cup"
    pub subjects: Vec<String>,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The colours, as the prompt names them.
    Recolored(Vec<String>),
    /// One colour is replaced by another.
    Replaced,
    Other,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order in which they are applied.
    pub edits: Vec<Edit>,
    pub unused: Vec<Unused>,
    pub widened: Vec<Widened>,
    /// Colours that the result must have as the original has them, and as the prompt
    /// names them.
    pub kept: Vec<(String, u32)>,
    /// Colours that it must not have.
    pub excluded: Vec<(String, u32)>,
    /// Whether the prompt names a colour, even if only to keep it.
    pub(super) names_color: bool,
}

impl Plan {
    /// Inserts edits of the palette in the right place: after simplifications, before
    /// changes of all colours.
    pub(super) fn insert(&mut self, edits: Vec<Edit>) {
        self.insert_before(Quality::Temperature, edits);
    }

    /// Inserts edits before those of this quality and of later ones.
    pub(super) fn insert_before(&mut self, first: Quality, edits: Vec<Edit>) {
        let before = |edit: &Edit| match edit {
            Edit::Turn(_) | Edit::Rotate(_) | Edit::Crop(..) => true,
            Edit::Adjust(quality, _) => *quality < first,
            _ => first > Quality::Temperature && edit.is_of_palette(),
        };
        let place = self.edits.partition_point(before);
        self.edits.splice(place..place, edits);
    }
}

impl Edit {
    /// Whether it changes all colours, and so those of each part.
    pub fn is_of_all(&self) -> bool {
        use Quality::{Corners, Shadow, Tightness, Transparency};
        match self {
            Self::Recolor(_) | Self::Ink { .. } | Self::Steer(_) | Self::Quantize(_) => true,
            Self::Shift(_, amount) => *amount > 0.0,
            Self::Adjust(quality, _) => {
                !matches!(quality, Transparency | Shadow | Corners | Tightness)
            }
            _ => false,
        }
    }

    /// Whether it changes which colours there are, and stands before changes of all
    /// colours.
    fn is_of_palette(&self) -> bool {
        matches!(
            self,
            Self::Recolor(_)
                | Self::Replace(_)
                | Self::Alter(..)
                | Self::Shift(..)
                | Self::Steer(_)
                | Self::Ink { .. }
        )
    }
}
