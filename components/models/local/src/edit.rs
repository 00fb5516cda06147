//! The edits; each changes an image in place.
//!
//! Pure colour changes are computed once for a grid of colours and looked up per pixel,
//! consecutive ones together; other edits process the image row by row. No edit makes a
//! second copy of a large image, except rotation by 90° and another size.

mod background;
mod blur;
mod border;
mod clusters;
mod corners;
// Until the plan asks for them.
#[allow(dead_code)]
mod enlarge;
mod invert;
mod lut;
mod mean;
mod minimal;
mod outline;
mod pixelate;
mod posterize;
mod quantize;
mod recolor;
#[allow(dead_code)]
mod resize;
mod sharpen;
mod sketch;
mod smooth;
mod steer;
mod tighten;
mod tone;
mod turn;
mod vignette;
mod window;

use crate::notes::Remark;
use crate::pixels::Pixels;
use crate::plan::Edit;
use crate::survey::Survey;
use concept_refinement_vocabulary::Quality;
use lut::Lut;
use tone::Tone;

/// The usual strength. All-or-nothing edits (no colour, another colour, fewer colours)
/// are complete from here on; others increase up to 1.
const USUAL_STRENGTH: f32 = 0.7;

/// Applies the edits in order. Strength 0 changes nothing. Returns remarks for the user.
pub fn apply(pixels: &mut Pixels, edits: &[Edit], strength: f32) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut edits = edits.iter().peekable();
    while edits.peek().is_some() {
        let survey = Survey::of(pixels);
        let mut tones = Vec::new();
        while let Some(tone) = edits.peek().and_then(|edit| tone(edit, strength, &survey)) {
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
fn tone(edit: &Edit, strength: f32, survey: &Survey) -> Option<Tone> {
    match edit {
        Edit::Turn(_) | Edit::Quantize(_) | Edit::Circle => None,
        Edit::Recolor(recolor) => Some(recolor::tone(recolor, presence(strength), survey)),
        Edit::Steer(colors) => Some(steer::tone(colors, presence(strength), survey)),
        Edit::Adjust(quality, amount) => {
            let grown = amount * strength / USUAL_STRENGTH;
            match quality {
                Quality::Temperature => Some(tone::temperature(grown)),
                Quality::Saturation => Some(tone::saturation(grown)),
                Quality::Monochrome => Some(tone::monochrome(presence(amount * strength))),
                Quality::Sepia => Some(tone::sepia(presence(amount * strength))),
                Quality::Lightness => Some(tone::lightness(grown)),
                Quality::Contrast => Some(tone::contrast(grown, survey.lightness)),
                Quality::Tightness
                | Quality::Minimalism
                | Quality::Smoothness
                | Quality::Outline
                | Quality::Sketch
                | Quality::Pixelation
                | Quality::Transparency
                | Quality::Posterization
                | Quality::Inversion
                | Quality::Sharpness
                | Quality::Vignette
                | Quality::Corners => None,
            }
        }
    }
}

fn reshape(pixels: &mut Pixels, edit: &Edit, strength: f32) -> Option<Remark> {
    match edit {
        Edit::Adjust(quality, amount) => return adjust(pixels, *quality, *amount, strength),
        Edit::Turn(turn) if strength > 0.0 => turn::apply(pixels, *turn),
        Edit::Quantize(colors) => quantize::apply(pixels, colors, presence(strength)),
        Edit::Circle if strength > 0.0 => corners::circle(pixels),
        Edit::Turn(_) | Edit::Circle | Edit::Recolor(_) | Edit::Steer(_) => {}
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
        Quality::Corners => corners::apply(pixels, grown),
        Quality::Temperature
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

/// How many pixels a place covers along a side, on a map of about a megapixel.
fn factor(pixels: &Pixels) -> usize {
    const SIZE: f64 = 1.3e6;
    let size = f64::from(pixels.width()) * f64::from(pixels.height());
    (size / SIZE).sqrt().ceil().max(1.0) as usize
}

#[cfg(test)]
mod tests;
