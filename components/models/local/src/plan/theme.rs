//! How the theme description affects a plan: colours that it names pull the palette
//! towards them, unless the prompt itself names colours or is about something else.

use super::edits::{Edit, Plan};
use crate::words::terms;
use concept_refinement_vocabulary::{Meaning, Quality};

/// Colours beyond this number say nothing more about a palette.
const MAX_COLORS: usize = 8;

/// The colours that the description names and does not exclude.
pub fn colors(description: &str) -> Vec<u32> {
    let mut colors = Vec::new();
    let mut excluded = false;
    for term in terms(description) {
        match term.meaning {
            Some(Meaning::Not | Meaning::Without) => excluded = true,
            Some(Meaning::Stop) => excluded = false,
            Some(Meaning::Color(color)) if !excluded && !colors.contains(&color) => {
                colors.push(color);
            }
            _ => {}
        }
    }
    colors.truncate(MAX_COLORS);
    colors
}

/// Whether the prompt leaves the palette to the theme: it edits colours, but names none
/// and asks for no particular kind.
pub fn may_steer(plan: &Plan) -> bool {
    let mut touched = false;
    for edit in &plan.edits {
        match edit {
            Edit::Recolor(_) | Edit::Steer(_) | Edit::Replace(_) | Edit::Ink { .. } => {
                return false;
            }
            Edit::Alter(..) | Edit::Shift(..) | Edit::Ground(_) => return false,
            Edit::Quantize(quantize) if !quantize.to.is_empty() => return false,
            Edit::Quantize(_) => touched = true,
            Edit::Adjust(quality, _) => match quality {
                Quality::Monochrome | Quality::Sepia | Quality::Inversion => return false,
                Quality::DarkMode => return false,
                Quality::Outline | Quality::Sketch => return false,
                Quality::Minimalism
                | Quality::Posterization
                | Quality::Saturation
                | Quality::Temperature
                | Quality::Lightness
                | Quality::Contrast => touched = true,
                Quality::Tightness
                | Quality::Smoothness
                | Quality::Pixelation
                | Quality::Transparency
                | Quality::Sharpness
                | Quality::Vignette
                | Quality::Shadow
                | Quality::Corners => {}
            },
            Edit::Turn(_) | Edit::Rotate(_) | Edit::Crop(..) | Edit::Circle => {}
            Edit::Pad(_) | Edit::Resize(_) => {}
        }
    }
    touched && !plan.names_color
}
