//! Leaves out what would change an aspect that is to be preserved.

use concept_refinement_domain::aspect::Aspect;
use concept_refinement_vocabulary::Quality;

use super::{Edit, Plan};

impl Plan {
    /// The plan without edits that change one of these aspects, and the aspects for whose sake
    /// edits are left out.
    pub fn preserving(mut self, aspects: &[Aspect]) -> (Self, Vec<Aspect>) {
        let changes = |edit: &Edit, aspect: &Aspect| edit.changes().contains(aspect);
        let concerned = |aspect: &&Aspect| self.edits.iter().any(|edit| changes(edit, aspect));
        let concerned: Vec<_> = aspects.iter().filter(concerned).copied().collect();
        self.edits
            .retain(|edit| !aspects.iter().any(|aspect| changes(edit, aspect)));
        (self, concerned)
    }
}

impl Edit {
    /// What is different afterwards.
    fn changes(&self) -> &'static [Aspect] {
        use Aspect::{Colors, Layout, Shapes, Style};
        match self {
            Self::Turn(_)
            | Self::Rotate(_)
            | Self::Crop(..)
            | Self::Pad(_)
            | Self::Resize(_)
            | Self::Circle => &[Layout],
            Self::Recolor(_)
            | Self::Replace(_)
            | Self::Alter(..)
            | Self::Shift(..)
            | Self::Ink { .. }
            | Self::Steer(_)
            | Self::Quantize(_)
            | Self::Ground(_) => &[Colors],
            Self::Adjust(quality, _) => match quality {
                Quality::Tightness | Quality::Corners => &[Layout],
                Quality::Minimalism => &[Colors, Style, Shapes],
                Quality::Outline | Quality::Sketch | Quality::Posterization => &[Colors, Style],
                Quality::Pixelation => &[Style, Shapes],
                Quality::Smoothness | Quality::Sharpness | Quality::Shadow => &[Style],
                Quality::Transparency
                | Quality::Inversion
                | Quality::DarkMode
                | Quality::Temperature
                | Quality::Saturation
                | Quality::Monochrome
                | Quality::Sepia
                | Quality::Lightness
                | Quality::Contrast
                | Quality::Vignette => &[Colors],
            },
        }
    }
}
