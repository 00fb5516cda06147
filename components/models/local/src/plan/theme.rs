//! How the theme description affects a plan: colours that it names pull the palette
//! towards them, unless the prompt itself names colours or is about something else.

use super::edits::{Edit, Plan, Quantize};
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
    use Quality::*;
    let mut touched = false;
    for edit in &plan.edits {
        match edit {
            Edit::Quantize(Quantize { to, .. }) if to.is_empty() => touched = true,
            Edit::Recolor(_) | Edit::Replace(_) | Edit::Alter(..) | Edit::Shift(..) => {
                return false;
            }
            Edit::Ink { .. } | Edit::Steer(_) | Edit::Quantize(_) | Edit::Ground(_) => {
                return false;
            }
            Edit::Adjust(quality, _) => match quality {
                Monochrome | Sepia | Inversion | DarkMode | Outline | Sketch => return false,
                Minimalism | Posterization | Saturation | Temperature => touched = true,
                Lightness | Contrast => touched = true,
                Tightness | Smoothness | Pixelation | Transparency => {}
                Sharpness | Vignette | Shadow | Corners => {}
            },
            Edit::Turn(_) | Edit::Rotate(_) | Edit::Crop(..) | Edit::Circle => {}
            Edit::Pad(..) | Edit::Resize(_) => {}
        }
    }
    touched && !plan.names_color
}
