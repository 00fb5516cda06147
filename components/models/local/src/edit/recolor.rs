//! Recolours into shades of named colours. Coloured pixels take the new hue and
//! keep their relative lightness; white stays white, and greys stay nearly grey
//! unless the picture has nothing else.

use std::f32::consts::TAU;

use palette::{Oklab, Oklch};

use super::tone::Tone;
use crate::color::{self, smoothstep};
use crate::plan::Recolor;
use crate::survey::{NEUTRAL, Survey};

/// `presence` goes from 0 (unchanged) to 1 (recoloured).
pub fn tone(recolor: &Recolor, presence: f32, survey: &Survey) -> Tone {
    let ramp = Ramp::new(&recolor.to);
    let from = recolor.from.map(color::from_hex);
    let ink = from.map_or(survey.ink_lightness, |from| from.l);
    let exponent = ramp.exponent(ink, recolor.shade);
    let survey = *survey;
    let part = presence * recolor.amount;
    Box::new(move |lab| {
        let old = color::polar(lab);
        let coverage = match from {
            Some(from) => closeness(old, from),
            None => coverage(old, &survey),
        };
        let l = lab.l.max(0.0).powf(exponent);
        let aim = ramp.at(l);
        let new = color::at(
            l,
            aim.chroma * tint(l, aim.l) * vividness(old, &survey),
            aim.hue + sunlit(l, aim) + variety(old, &survey).to_degrees(),
        );
        color::mix(lab, new, coverage * part)
    })
}

/// The target colours, from the darkest to the lightest.
struct Ramp(Vec<Oklch>);

impl Ramp {
    fn new(colors: &[u32]) -> Self {
        let mut colors: Vec<_> = colors.iter().copied().map(color::from_hex).collect();
        colors.sort_by(|one, other| one.l.total_cmp(&other.l));
        Self(colors)
    }

    /// The target colour for this lightness: if there are several, dark parts get the
    /// first and light parts the last.
    fn at(&self, l: f32) -> Oklch {
        const DARK: f32 = 0.25;
        const LIGHT: f32 = 0.85;
        let gaps = self.0.len().saturating_sub(1);
        let place = ((l - DARK) / (LIGHT - DARK)).clamp(0.0, 1.0) * gaps as f32;
        let before = self.0.get(place as usize).copied().unwrap_or_default();
        let after = self.0.get(place as usize + 1).copied().unwrap_or(before);
        // Steep between two colours, so that both are visible rather than
        // mixtures.
        let part = smoothstep(0.3, 0.7, place.fract());
        color::polar(color::mix(cartesian(before), cartesian(after), part))
    }

    /// The exponent of the curve that brings the lightness of the ink near that of the
    /// colours, and then to the requested shade.
    fn exponent(&self, ink: f32, shade: f32) -> f32 {
        const SHADE: f32 = 0.15;
        let count = self.0.len().max(1) as f32;
        let lightness = self.0.iter().map(|color| color.l).sum::<f32>() / count;
        let chroma = self.0.iter().map(|color| color.chroma).sum::<f32>() / count;
        // For greys only lightness matters.
        let pull = if chroma < NEUTRAL { 0.9 } else { 0.5 };
        let ink = ink.clamp(0.1, 0.9);
        let named = ink + pull * (lightness - ink);
        let aim = if shade > 0.0 {
            named.max(ink) + SHADE * shade
        } else {
            named + SHADE * shade
        };
        (aim.clamp(0.12, 0.93).ln() / ink.ln()).clamp(0.3, 3.0)
    }
}

/// How much of a colour is recoloured.
fn coverage(old: Oklch, survey: &Survey) -> f32 {
    /// How much greys are tinted if the picture has colours.
    const TINGE: f32 = 0.2;
    covered(old, survey, TINGE)
}

/// How much of a colour is changed. `tinge`: how much greys are tinted if the picture has
/// colours.
pub fn covered(old: Oklch, survey: &Survey, tinge: f32) -> f32 {
    /// Below this fraction of colour the picture counts as grey.
    const GREY_PICTURE: f32 = 0.02;
    let tinge = if survey.colorful < GREY_PICTURE {
        1.0
    } else {
        tinge
    };
    let has_color = smoothstep(NEUTRAL * 0.4, NEUTRAL * 1.6, old.chroma);
    tinge + (1.0 - tinge) * has_color
}

/// How close a colour is to the named one.
fn closeness(old: Oklch, named: Oklch) -> f32 {
    const ALIKE: f32 = TAU * 0.08;
    const DIFFERENT: f32 = TAU * 0.13;
    let has_color = smoothstep(NEUTRAL * 0.4, NEUTRAL * 1.6, old.chroma);
    if named.chroma < NEUTRAL {
        return (1.0 - has_color) * (1.0 - smoothstep(0.15, 0.3, (old.l - named.l).abs()));
    }
    let apart = (old.hue - named.hue).into_radians().abs();
    has_color * (1.0 - smoothstep(ALIKE, DIFFERENT, apart))
}

/// The chroma of a colour mixed with white or black: full at its own lightness, none in
/// white, little in black.
pub fn tint(l: f32, own: f32) -> f32 {
    if l > own {
        ((1.0 - l).max(0.0) / (1.0 - own).max(0.01)).powf(0.75)
    } else {
        (l / own.max(0.01)).powf(0.6)
    }
}

/// Light shades of brown are yellower (beige), and dark ones redder: the change of hue,
/// in degrees.
fn sunlit(l: f32, own: Oklch) -> f32 {
    const BROWN: f32 = 65.0;
    const TURN: f32 = 50.0;
    let brownish = (own.hue - BROWN).into_radians().cos().max(0.0).powi(6);
    TURN * brownish * (l - own.l)
}

/// Preserves relative vividness.
fn vividness(old: Oklch, survey: &Survey) -> f32 {
    if survey.chroma < NEUTRAL {
        return 1.0;
    }
    0.6 + 0.4 * (old.chroma / survey.chroma).clamp(0.4, 1.5)
}

/// Keeps a little variation of hue, in radians, since shades of one colour
/// differ in hue.
fn variety(old: Oklch, survey: &Survey) -> f32 {
    const MAX_TURN: f32 = 0.12;
    if old.chroma < NEUTRAL {
        return 0.0;
    }
    MAX_TURN * (old.hue.into_raw_radians() - survey.hue).sin()
}

fn cartesian(color: Oklch) -> Oklab {
    color::at(color.l, color.chroma, color.hue)
}
