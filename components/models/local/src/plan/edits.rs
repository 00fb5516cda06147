//! The parts of a plan.

use std::fmt;

use concept_refinement_vocabulary::{Quality, Turn};

#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Turn(Turn),
    /// More (above 0) or less of a quality; 1 is what the plain word asks for.
    Adjust(Quality, f32),
    Recolor(Recolor),
    /// Shifts colours towards these, each an sRGB `0xRRGGBB`.
    Steer(Vec<u32>),
    Quantize(Quantize),
    /// Crops to a circle in the middle.
    Circle,
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
    /// Recolours only colours similar to this one. None: everything that has colour.
    pub from: Option<u32>,
    /// At least one; if there are several, from the dark to the light parts.
    pub to: Vec<u32>,
    /// Lighter (above 0) or darker shades than the colours themselves.
    pub shade: f32,
    /// 1 recolours completely, less only tints.
    pub amount: f32,
}

/// Words, in lower case, that led to no edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unused {
    /// The vocabulary does not contain it.
    Unknown(String),
    /// It is unwanted or impossible: "not blue", "rotate 45".
    Undone(String),
    /// It is about a part of the picture: "background blue".
    OfPart(String),
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

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Recolored(colors) => {
                write!(f, "made the whole picture {}", colors.join(" and "))
            }
            Self::Replaced => f.write_str("replaced the colour in the whole picture"),
            Self::Other => f.write_str("changed the whole picture"),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order in which they are applied.
    pub edits: Vec<Edit>,
    pub unused: Vec<Unused>,
    pub widened: Vec<Widened>,
    /// Whether the prompt names a colour, even if only to keep it.
    pub(super) names_color: bool,
}

impl Plan {
    /// Inserts edits of the palette in the right place: after simplifications, before
    /// changes of all colours.
    pub(super) fn insert(&mut self, recolors: Vec<Edit>) {
        let before = |edit: &Edit| match edit {
            Edit::Turn(_) => true,
            Edit::Adjust(quality, _) => *quality < Quality::Temperature,
            Edit::Recolor(_) | Edit::Steer(_) | Edit::Quantize(_) | Edit::Circle => false,
        };
        let place = self.edits.partition_point(before);
        self.edits.splice(place..place, recolors);
    }
}
