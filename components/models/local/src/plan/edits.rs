//! What a plan consists of.

use crate::vocabulary::{Quality, Turn};

#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Turn(Turn),
    /// More (above 0) or less of a quality; 1 is what the plain word asks for.
    Adjust(Quality, f32),
    Recolor(Recolor),
    /// Somewhat nearer to these colours, each an sRGB `0xRRGGBB`.
    Steer(Vec<u32>),
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

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order in which they are made.
    pub edits: Vec<Edit>,
    /// Words and phrases that nothing was done about, in lower case.
    pub ignored: Vec<String>,
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
            Edit::Recolor(_) | Edit::Steer(_) => false,
        };
        let place = self.edits.partition_point(before);
        self.edits.splice(place..place, recolors);
    }
}
