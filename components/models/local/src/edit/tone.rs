//! Colour changes that are the same for the whole image. Black and white are
//! preserved where that makes sense.
//!
//! An amount of 1 is what the plain word asks for; negative amounts do the opposite.

use palette::Oklab;

use crate::color;
use crate::plan::{CONTRAST_LOSS, SATURATION_LOSS};

/// A change of a colour that does not depend on the position.
pub type Tone = Box<dyn Fn(Oklab) -> Oklab>;

/// Lighter or darker, by a curve that keeps black and white.
pub fn lightness(amount: f32) -> Tone {
    const STEEPNESS: f32 = 0.75;
    // Below 1 it lightens.
    let exponent = (-STEEPNESS * amount).exp2();
    Box::new(move |lab| {
        let l = lab.l.max(0.0).powf(exponent);
        // Darkening also reduces chroma; otherwise colours would glow.
        let chroma = if l < lab.l { l / lab.l } else { 1.0 };
        Oklab::new(l, lab.a * chroma, lab.b * chroma)
    })
}

/// Steeper or flatter about the middle, without clipping either end.
pub fn contrast(amount: f32, middle: f32) -> Tone {
    const GAIN: f32 = 0.9;
    let middle = middle.clamp(0.4, 0.7);
    Box::new(move |lab| {
        let l = if amount >= 0.0 {
            let exponent = 1.0 + GAIN * amount;
            if lab.l < middle {
                middle * (lab.l.max(0.0) / middle).powf(exponent)
            } else {
                let room = 1.0 - middle;
                1.0 - room * ((1.0 - lab.l).max(0.0) / room).powf(exponent)
            }
        } else {
            middle + (lab.l - middle) * (1.0 + CONTRAST_LOSS * amount).max(0.0)
        };
        Oklab::new(l, lab.a, lab.b)
    })
}

/// More or less vivid. Greys stay grey; vivid colours gain less.
pub fn saturation(amount: f32) -> Tone {
    const VIVID: f32 = 0.25;
    Box::new(move |lab| {
        let factor = if amount >= 0.0 {
            let chroma = lab.a.hypot(lab.b);
            1.0 + 0.85 * amount * (1.0 - 0.6 * (chroma / VIVID).min(1.0))
        } else {
            (1.0 + SATURATION_LOSS * amount).max(0.0)
        };
        Oklab::new(lab.l, lab.a * factor, lab.b * factor)
    })
}

/// Turns to grey; `presence` says how much.
pub fn monochrome(presence: f32) -> Tone {
    Box::new(move |lab| color::mix(lab, Oklab::new(lab.l, 0.0, 0.0), presence))
}

/// Turns to the brown of old photographs, paper included; `presence` says how much.
pub fn sepia(presence: f32) -> Tone {
    const BROWN: (f32, f32) = (0.022, 0.056);
    Box::new(move |lab| {
        // Paper turns cream, and black a little brown.
        let l = 0.06 + 0.90 * lab.l;
        let weight = 0.3 + 0.7 * (4.0 * l * (1.0 - l)).max(0.0).sqrt();
        let brown = Oklab::new(l, BROWN.0 * weight, BROWN.1 * weight);
        color::mix(lab, brown, presence)
    })
}

/// Towards the colour of a fire, or of a winter's day.
pub fn temperature(amount: f32) -> Tone {
    const WARM: (f32, f32) = (0.016, 0.042);
    Box::new(move |lab| {
        // Full effect in the middle, none in black, little in white.
        let weight = amount * (4.0 * lab.l * (1.0 - lab.l)).max(0.0).sqrt();
        Oklab::new(lab.l, lab.a + WARM.0 * weight, lab.b + WARM.1 * weight)
    })
}

/// Light parts become dark and dark ones light; `presence` says how much.
pub fn dark_mode(presence: f32) -> Tone {
    /// Neither black nor glaring.
    const RANGE: (f32, f32) = (0.2, 0.96);
    Box::new(move |lab| {
        let l = RANGE.1 + (RANGE.0 - RANGE.1) * lab.l;
        color::mix(lab, Oklab::new(l, lab.a, lab.b), presence)
    })
}
