//! What a plan consists of.

use std::fmt;

use crate::vocabulary::{Quality, Turn};

#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Turn(Turn),
    /// More (above 0) or less of a quality; 1 is what the plain word asks for.
    Adjust(Quality, f32),
    Recolor(Recolor),
    /// Somewhat nearer to these colours, each an sRGB `0xRRGGBB`.
    Steer(Vec<u32>),
    Quantize(Quantize),
    /// The circle in the middle is kept.
    Circle,
}

/// So many colours and no more.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantize {
    pub count: u8,
    /// Which they are, each an sRGB `0xRRGGBB`. Empty: the picture's own.
    pub to: Vec<u32>,
}

/// Into shades of some colours, each an sRGB `0xRRGGBB`.
#[derive(Clone, Debug, PartialEq)]
pub struct Recolor {
    /// Only what is about this colour. None: everything that has colour.
    pub from: Option<u32>,
    /// One at least; several go from the dark to the light parts.
    pub to: Vec<u32>,
    /// Lighter (above 0) or darker shades than the colours themselves.
    pub shade: f32,
    /// 1 is wholly, less is a tinge.
    pub amount: f32,
}

/// Words, in lower case, that no edit came of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unused {
    /// The vocabulary does not have it.
    Unknown(String),
    /// It is not wanted, or cannot be done: "not blue", "rotate 45".
    Undone(String),
    /// It is meant for a part of the picture: "background blue".
    OfPart(String),
}

/// What was meant for something that the picture shows, and is done to all of it.
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
    /// One colour by another.
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
    /// In the order in which they are made.
    pub edits: Vec<Edit>,
    pub unused: Vec<Unused>,
    pub widened: Vec<Widened>,
    /// Whether the prompt names a colour, even only to keep it.
    pub(super) names_color: bool,
}

impl Plan {
    /// Puts edits of the palette where they belong: after what simplifies,
    /// before what goes for all colours.
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
