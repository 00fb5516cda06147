//! Recolours into shades of named colours. Coloured pixels take the new hue and
//! keep their relative lightness; white stays white, and greys stay nearly grey
//! unless the picture has nothing else.

use std::f32::consts::TAU;

use palette::{Oklab, Oklch};

use super::tone::Tone;
use crate::color::{self, smoothstep};
use crate::plan::{Edit, Recolor, Replacement};
use crate::survey::{BLACK, Group, NEUTRAL, PAPER, Sample, Survey};

/// `presence` goes from 0 (unchanged) to 1 (recoloured).
pub fn tone(recolor: &Recolor, presence: f32, sample: &Sample, survey: &Survey) -> Tone {
    /// How much greys are tinted if the picture has colours.
    const TINGE: f32 = 0.2;
    /// So much of a picture with rounded corners is opaque.
    const CUT: f32 = 0.95;
    let mut survey = *survey;
    // One ink becomes exactly the named colour.
    let (flat, ramp) = match of_ink(sample, &recolor.to, survey.lightness) {
        Some((ink, color)) => (Some(ink), Ramp::new(&[color])),
        None => (None, Ramp::new(&recolor.to)),
    };
    // What stands on nothing has no shades of white or black, and its own white stays.
    let Oklch {
        l: named, chroma, ..
    } = ramp.at(0.0);
    let is_only = recolor.to.len() == 1 && recolor.shade == 0.0 && chroma < NEUTRAL;
    let is_plain = is_only && sample.opaque() < CUT && !(BLACK..PAPER).contains(&named);
    let tinge = if is_plain { 0.0 } else { TINGE };
    let curve = match flat {
        _ if is_plain => Box::new(move |_| named),
        Some(ink) => exact(ink.color.l, named, recolor.shade),
        None => power(ramp.exponent(survey.ink_lightness, recolor.shade)),
    };
    if let Some(ink) = flat {
        survey.hue = color::polar(ink.color).hue.into_positive_radians();
    }
    let chroma = flat.map_or(survey.chroma, |ink| ink.color.a.hypot(ink.color.b));
    let part = presence * recolor.amount;
    let with_greys = recolor.with_greys;
    Box::new(move |lab| {
        let old = color::polar(lab);
        let coverage = if with_greys {
            1.0
        } else {
            covered(old, &survey, tinge)
        };
        let l = curve(lab.l.max(0.0));
        let aim = ramp.at(l);
        let new = color::at(
            l,
            aim.chroma * tint(l, aim.l) * vividness(old, chroma),
            aim.hue + sunlit(l, aim) + variety(old, &survey).to_degrees(),
        );
        color::mix(lab, new, coverage * part)
    })
}

/// The only ink, and the colour that it becomes: of several the darkest, or the lightest where the
/// ink is lighter than the picture is on average.
fn of_ink(sample: &Sample, colors: &[u32], average: f32) -> Option<(Group, u32)> {
    const SAME: f32 = 0.01;
    let lightness = |color: &u32| color::from_hex(*color).l;
    let order = |one: &u32, other: &u32| lightness(one).total_cmp(&lightness(other));
    let is_only = |ink: &Group| ink.is_single || (ink.is_flat && colors.len() == 1);
    let ink = sample.ink().filter(is_only)?;
    let colors = colors.iter().copied();
    let color = match ink.color.l < average + SAME {
        true => colors.min_by(order),
        false => colors.max_by(order),
    };
    color.map(|color| (ink, color))
}

/// Replaces colours, all at once: those that are alike become the other, in their own
/// lights and darks.
pub fn replace(replacements: &[Replacement], presence: f32, sample: &Sample) -> Tone {
    let parts: Vec<_> = replacements
        .iter()
        .filter_map(|replacement| {
            let (from, to) = (
                color::from_hex(replacement.from),
                color::from_hex(replacement.to),
            );
            let group = sample.group(alike(replacement.from))?;
            let old = color::polar(group.color);
            let curve = exact(old.l, to.l, replacement.shade);
            Some((from, to, old, curve, presence * replacement.amount))
        })
        .collect();
    Box::new(move |lab| {
        let old = color::polar(lab);
        let covered = parts
            .iter()
            .map(|part| (closeness(old, part.0), part))
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        let Some((coverage, (_, to, group, curve, part))) = covered else {
            return lab;
        };
        let l = curve(lab.l.max(0.0));
        let chroma = to.chroma * tint(l, to.l) * vividness(old, group.chroma);
        // Greys have no hue.
        let apart = if group.chroma < NEUTRAL {
            0.0
        } else {
            (old.hue - group.hue).into_degrees() * 0.5
        };
        let new = color::at(l, chroma, to.hue + apart);
        color::mix(lab, new, coverage * part)
    })
}

/// Colours of the picture that become exactly others, as long as nothing tells otherwise:
/// what has one colour has the named one afterwards.
pub fn cores(edit: &Edit, sample: &Sample) -> Vec<(Oklab, Oklab)> {
    let core = |(group, to): (Group, u32)| (group.color, color::from_hex_lab(to));
    match edit {
        Edit::Recolor(recolor) if recolor.shade == 0.0 => {
            let ink = of_ink(sample, &recolor.to, sample.survey().lightness);
            ink.map(core).into_iter().collect()
        }
        Edit::Replace(pairs) => {
            let exact = pairs.iter().filter(|pair| pair.shade == 0.0);
            let flat = exact.filter_map(|pair| {
                let group = sample.group(alike(pair.from))?;
                group.is_flat.then_some((group, pair.to))
            });
            flat.map(core).collect()
        }
        _ => Vec::new(),
    }
}

/// A change of all colours but those that are alike to the kept ones.
pub fn keep(kept: &[u32], change: Tone) -> Tone {
    if kept.is_empty() {
        return change;
    }
    let kept: Vec<_> = kept.iter().copied().map(color::from_hex).collect();
    Box::new(move |lab| {
        let old = color::polar(lab);
        let near = kept.iter().map(|kept| closeness(old, *kept));
        color::mix(change(lab), lab, near.fold(0.0, f32::max))
    })
}

/// A change of one colour alone.
pub fn alter(named: u32, change: Tone) -> Tone {
    let named = color::from_hex(named);
    Box::new(move |lab| {
        let coverage = closeness(color::polar(lab), named);
        color::mix(lab, change(lab), coverage)
    })
}

/// More or less of a colour in all others.
pub fn shift(named: u32, amount: f32) -> Tone {
    /// As much as `tone::temperature` moves colours.
    const STEP: f32 = 0.05;
    const LESS: f32 = 0.5;
    let (b, a) = color::from_hex(named).hue.into_radians().sin_cos();
    Box::new(move |lab| {
        let step = if amount >= 0.0 {
            STEP * amount * (4.0 * lab.l * (1.0 - lab.l)).max(0.0).sqrt()
        } else {
            (lab.a * a + lab.b * b).max(0.0) * (LESS * amount).max(-1.0)
        };
        Oklab::new(lab.l, lab.a + a * step, lab.b + b * step)
    })
}

/// Whether a colour is alike to the named one.
pub fn alike(named: u32) -> impl Fn(Oklab) -> bool {
    let named = color::from_hex(named);
    move |lab| closeness(color::polar(lab), named) > 0.5
}

/// Changes a lightness.
type Curve = Box<dyn Fn(f32) -> f32>;

/// The curve that brings this lightness to that one, or to a shade of it.
fn exact(from: f32, to: f32, shade: f32) -> Curve {
    /// Beyond these a power would leave black black, and white white.
    const DARK: f32 = 0.05;
    const LIGHT: f32 = 0.95;
    let aim = (to + SHADE * shade).clamp(0.05, 0.99);
    if (DARK..=LIGHT).contains(&from) {
        return power((aim.ln() / from.ln()).clamp(0.02, 12.0));
    }
    Box::new(move |l| {
        if l < from {
            aim * l / from
        } else {
            aim + (1.0 - aim) * (l - from) / (1.0 - from).max(0.01)
        }
    })
}

fn power(exponent: f32) -> Curve {
    Box::new(move |l| l.powf(exponent))
}

/// How much lighter or darker a shade is.
const SHADE: f32 = 0.15;

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
        let count = self.0.len().max(1) as f32;
        let lightness = self.0.iter().map(|color| color.l).sum::<f32>() / count;
        let chroma = self.0.iter().map(|color| color.chroma).sum::<f32>() / count;
        // For greys only lightness matters.
        let pull = if chroma < NEUTRAL { 0.9 } else { 0.5 };
        let ink = ink.clamp(0.1, 0.9);
        let named = ink + pull * (lightness - ink);
        let named = if shade > 0.0 { named.max(ink) } else { named };
        let aim = named + SHADE * shade;
        (aim.clamp(0.12, 0.93).ln() / ink.ln()).clamp(0.3, 3.0)
    }
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
pub fn closeness(old: Oklch, named: Oklch) -> f32 {
    const ALIKE: f32 = TAU * 0.08;
    const DIFFERENT: f32 = TAU * 0.13;
    let has_color = smoothstep(NEUTRAL * 0.4, NEUTRAL * 1.6, old.chroma);
    if named.chroma < NEUTRAL {
        // What is darker than a soft black is black, too.
        let apart = if named.l < BLACK {
            (old.l - named.l).max(0.0)
        } else {
            (old.l - named.l).abs()
        };
        return (1.0 - has_color) * (1.0 - smoothstep(0.15, 0.3, apart));
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

/// Preserves vividness relative to this chroma.
fn vividness(old: Oklch, chroma: f32) -> f32 {
    if chroma < NEUTRAL {
        return 1.0;
    }
    0.6 + 0.4 * (old.chroma / chroma).clamp(0.4, 1.5)
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
