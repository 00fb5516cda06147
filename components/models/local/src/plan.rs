//! From a prompt to the edits that it asks for.
//!
//! Words combine; the order of the edits is the vocabulary's, so that the same
//! words ask for the same in whatever order they are written (only rotating
//! and flipping go by the order of the prompt). What is not understood is left
//! out and reported, never guessed.

mod reader;
mod theme;

use crate::vocabulary::{Quality, Turn};
use crate::words::terms;
use reader::Reader;

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
    /// Whether the prompt names a colour, if only to keep it.
    names_color: bool,
}

impl Plan {
    pub fn of(prompt: &str) -> Self {
        let mut reader = Reader::default();
        for term in terms(prompt) {
            reader.read(term);
        }
        reader.finish()
    }

    /// With the colours that the theme's description names, where the prompt
    /// says nothing else of colours.
    pub fn themed(mut self, description: &str) -> Self {
        let colors = theme::colors(description);
        if !colors.is_empty() && theme::may_steer(&self) {
            self.insert(vec![Edit::Steer(colors)]);
        }
        self
    }

    /// Puts edits of the palette where they belong: after what simplifies,
    /// before what goes for all colours.
    fn insert(&mut self, recolors: Vec<Edit>) {
        let before = |edit: &Edit| match edit {
            Edit::Turn(_) => true,
            Edit::Adjust(quality, _) => *quality < Quality::Temperature,
            Edit::Recolor(_) | Edit::Steer(_) => false,
        };
        let place = self.edits.partition_point(before);
        self.edits.splice(place..place, recolors);
    }
}

#[cfg(test)]
mod tests;
