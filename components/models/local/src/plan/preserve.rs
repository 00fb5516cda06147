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
        use Quality::*;
        match self {
            Self::Turn(_) | Self::Rotate(_) | Self::Crop(..) | Self::Circle => &[Layout],
            Self::Pad(..) | Self::Resize(_) => &[Layout],
            Self::Recolor(_) | Self::Replace(_) | Self::Alter(..) | Self::Shift(..) => &[Colors],
            Self::Ink { .. } | Self::Steer(_) | Self::Quantize(_) | Self::Ground(_) => &[Colors],
            Self::Adjust(quality, _) => match quality {
                Tightness | Corners => &[Layout],
                Minimalism => &[Colors, Style, Shapes],
                Outline | Sketch | Posterization => &[Colors, Style],
                Pixelation => &[Style, Shapes],
                Smoothness | Sharpness | Shadow => &[Style],
                Transparency | Inversion | DarkMode | Temperature | Saturation => &[Colors],
                Monochrome | Sepia | Lightness | Contrast | Vignette => &[Colors],
            },
        }
    }
}
