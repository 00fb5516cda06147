//! Moves colours towards those of a theme: each colour goes a part of the way to the
//! nearest ones. Lightness is unchanged, paper stays paper, and a grey picture gets a
//! tint.

use palette::{Oklab, Oklch};

use super::recolor::{covered, tint};
use super::tone::Tone;
use crate::color;
use crate::survey::{NEUTRAL, Survey};

/// How far to go: visible next to the original, but without hiding it.
const PART: f32 = 0.38;

/// `presence` goes from 0 (unchanged) to 1 (steered).
pub fn tone(theme: &[u32], presence: f32, survey: &Survey) -> Tone {
    /// How much greys are tinted if the picture has colours.
    const TINGE: f32 = 0.1;
    let theme: Vec<_> = theme.iter().copied().map(color::from_hex).collect();
    let survey = *survey;
    Box::new(move |lab| {
        let old = color::polar(lab);
        let part = covered(old, &survey, TINGE) * PART * presence;
        color::mix(lab, aim(lab, &theme), part)
    })
}

/// The weighted mean of the theme's colours at this lightness; nearer ones count more.
fn aim(lab: Oklab, theme: &[Oklch]) -> Oklab {
    /// Colours closer than this count as equal.
    const SAME: f32 = 0.02;
    let (mut weights, mut a, mut b) = (0.0, 0.0, 0.0);
    for named in theme {
        let chroma = if named.chroma < NEUTRAL {
            0.0
        } else {
            named.chroma * tint(lab.l, named.l)
        };
        let candidate = color::at(lab.l, chroma, named.hue);
        // A dark part goes to navy rather than to gold.
        let apart = color::distance(lab, candidate) + 0.5 * (lab.l - named.l).abs();
        let weight = (apart + SAME).powi(-3);
        weights += weight;
        a += candidate.a * weight;
        b += candidate.b * weight;
    }
    if weights > 0.0 {
        Oklab::new(lab.l, a / weights, b / weights)
    } else {
        lab
    }
}
