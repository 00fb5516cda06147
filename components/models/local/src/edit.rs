//! The edits; each changes an image in place.
//!
//! Pure colour changes are computed once for a grid of colours and looked up per pixel,
//! consecutive ones together; other edits process the image row by row. No edit makes a
//! second copy of a large image, except those that rotate it or change its size.

mod background;
mod blur;
mod border;
mod clusters;
mod corners;
mod enlarge;
mod ink;
mod invert;
mod lut;
mod mean;
mod minimal;
mod outline;
mod pixelate;
mod posterize;
mod quantize;
mod reached;
mod recolor;
mod resize;
mod rotate;
mod shadow;
mod sharpen;
mod size;
mod sketch;
mod smooth;
mod squares;
mod steer;
mod tighten;
mod tone;
mod turn;
mod vignette;
mod window;

use crate::notes::Remark;
use crate::pixels::Pixels;
use crate::plan::{Edit, Plan};
use crate::survey::{Sample, Survey};
use concept_refinement_vocabulary::Quality;
use lut::Lut;
pub use recolor::{alike, closeness};
pub use size::fits;
use tone::Tone;

/// The usual strength. All-or-nothing edits (no colour, another colour, fewer colours)
/// are complete from here on; others increase up to 1.
const USUAL_STRENGTH: f32 = 0.7;

/// Applies the plan's edits in order. Changes of colours spare those that it keeps.
/// Strength 0 changes nothing. Returns remarks for the user.
pub fn apply(pixels: &mut Pixels, plan: &Plan, strength: f32) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if strength <= 0.0 {
        return remarks;
    }
    let kept: Vec<_> = plan.kept.iter().map(|(_, color)| *color).collect();
    let mut edits = plan.edits.iter().peekable();
    while edits.peek().is_some() {
        let sample = Sample::of(pixels);
        let survey = sample.survey();
        let mut tones = Vec::new();
        while let Some((edit, tone)) = edits
            .peek()
            .and_then(|edit| Some((*edit, tone(edit, strength, &sample, &survey)?)))
        {
            let tone = recolor::keep(&kept, tone);
            remarks.extend(reached::remark(edit, &sample, &tone));
            tones.push(tone);
            edits.next();
        }
        if !tones.is_empty() {
            Lut::new(|color| tones.iter().fold(color, |color, tone| tone(color))).apply(pixels);
        } else if let Some(edit) = edits.next() {
            remarks.extend(reshape(pixels, edit, strength));
        }
    }
    remarks
}

/// The edit as a change of colours. None: it depends on more than the colour.
fn tone(edit: &Edit, strength: f32, sample: &Sample, survey: &Survey) -> Option<Tone> {
    let presence = presence(strength);
    match edit {
        Edit::Recolor(recolor) => Some(recolor::tone(recolor, presence, sample, survey)),
        Edit::Replace(pairs) => Some(recolor::replace(pairs, presence, sample)),
        Edit::Alter(color, quality, amount) => {
            let change = quality_tone(*quality, *amount, strength, survey)?;
            Some(recolor::alter(*color, change))
        }
        Edit::Shift(color, amount) => Some(recolor::shift(*color, amount * presence)),
        Edit::Steer(colors) => Some(steer::tone(colors, presence, survey)),
        Edit::Adjust(quality, amount) => quality_tone(*quality, *amount, strength, survey),
        _ => None,
    }
}

fn quality_tone(quality: Quality, amount: f32, strength: f32, survey: &Survey) -> Option<Tone> {
    let grown = amount * strength / USUAL_STRENGTH;
    Some(match quality {
        Quality::Temperature => tone::temperature(grown),
        Quality::Saturation => tone::saturation(grown),
        Quality::Monochrome => tone::monochrome(presence(amount * strength)),
        Quality::Sepia => tone::sepia(presence(amount * strength)),
        Quality::Lightness => tone::lightness(grown),
        Quality::Contrast => tone::contrast(grown, survey.lightness),
        Quality::DarkMode => tone::dark_mode(presence(amount * strength)),
        _ => return None,
    })
}

fn reshape(pixels: &mut Pixels, edit: &Edit, strength: f32) -> Option<Remark> {
    match edit {
        Edit::Adjust(quality, amount) => return adjust(pixels, *quality, *amount, strength),
        Edit::Turn(turn) => turn::apply(pixels, *turn),
        Edit::Rotate(degrees) => rotate::apply(pixels, *degrees),
        Edit::Crop(width, height) => size::crop(pixels, *width, *height),
        Edit::Quantize(colors) => {
            quantize::apply(pixels, colors, presence(strength));
            let named = Some(&colors.to).filter(|named| !named.is_empty())?;
            return reached::exactly(named, &Sample::of(pixels));
        }
        Edit::Ink { ink, paper } => ink::apply(pixels, *ink, *paper),
        Edit::Ground(ground) => return background::fill(pixels, ground),
        Edit::Pad(pad) => size::pad(pixels, *pad),
        Edit::Resize(resize) => size::resize(pixels, *resize),
        Edit::Circle => corners::circle(pixels),
        // These are changes of colours.
        Edit::Recolor(_) | Edit::Replace(_) | Edit::Alter(..) => {}
        Edit::Shift(..) | Edit::Steer(_) => {}
    }
    None
}

fn adjust(pixels: &mut Pixels, quality: Quality, amount: f32, strength: f32) -> Option<Remark> {
    let grown = amount * strength / USUAL_STRENGTH;
    match quality {
        Quality::Tightness => tighten::apply(pixels, grown),
        Quality::Minimalism => minimal::apply(pixels, grown),
        Quality::Smoothness => smooth::apply(pixels, grown),
        Quality::Outline => outline::apply(pixels, grown),
        Quality::Sketch => sketch::apply(pixels, grown),
        Quality::Pixelation => pixelate::apply(pixels, grown),
        Quality::Transparency => return background::apply(pixels, grown),
        Quality::Posterization => posterize::apply(pixels, grown),
        Quality::Inversion => invert::apply(pixels, presence(amount * strength)),
        Quality::Sharpness if grown < 0.0 => blur::apply(pixels, -grown),
        Quality::Sharpness => sharpen::apply(pixels, grown),
        Quality::Vignette => vignette::apply(pixels, grown),
        Quality::Shadow => return shadow::apply(pixels, grown),
        Quality::Corners => corners::apply(pixels, grown),
        // These are changes of colours.
        Quality::DarkMode
        | Quality::Temperature
        | Quality::Saturation
        | Quality::Monochrome
        | Quality::Sepia
        | Quality::Lightness
        | Quality::Contrast => {}
    }
    None
}

/// How much of an all-or-nothing edit is applied.
fn presence(strength: f32) -> f32 {
    (strength / USUAL_STRENGTH).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
