//! The edits themselves: each changes an image in place.
//!
//! What only changes colours is computed once for a grid of colours and looked
//! up for each pixel, neighbouring edits together; what looks at neighbours
//! goes over the image row by row. Nothing here holds a second copy of a
//! large image.

mod blur;
mod lut;
mod minimal;
mod recolor;
mod sharpen;
mod smooth;
mod tone;
mod window;

use palette::Oklab;

use crate::pixels::Pixels;
use crate::plan::Edit;
use crate::survey::Survey;
use crate::vocabulary::Quality;
use lut::Lut;

/// A change of one colour, whatever its place.
type Tone = Box<dyn Fn(Oklab) -> Oklab>;

/// The strength that a refinement is usually asked for with: an edit that is
/// either there or not (no colour, another colour, fewer colours) is wholly
/// there from here on. Others grow up to 1.
const USUAL_STRENGTH: f32 = 0.7;

/// Makes the edits one after the other. Strength 0 changes nothing.
pub fn apply(pixels: &mut Pixels, edits: &[Edit], strength: f32) {
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
        } else if let Some(Edit::Adjust(quality, amount)) = edits.next() {
            reshape(pixels, *quality, *amount, strength);
        }
    }
}

/// The edit as a change of colours. None: it looks at neighbours.
fn tone(edit: &Edit, strength: f32, survey: &Survey) -> Option<Tone> {
    match edit {
        Edit::Recolor(recolor) => Some(recolor::tone(recolor, presence(strength), survey)),
        Edit::Adjust(quality, amount) => {
            let grown = amount * strength / USUAL_STRENGTH;
            match quality {
                Quality::Temperature => Some(tone::temperature(grown)),
                Quality::Saturation => Some(tone::saturation(grown)),
                Quality::Monochrome => Some(tone::monochrome(presence(amount * strength))),
                Quality::Lightness => Some(tone::lightness(grown)),
                Quality::Contrast => Some(tone::contrast(grown, survey.lightness)),
                Quality::Minimalism | Quality::Smoothness | Quality::Sharpness => None,
            }
        }
    }
}

fn reshape(pixels: &mut Pixels, quality: Quality, amount: f32, strength: f32) {
    let grown = amount * strength / USUAL_STRENGTH;
    match quality {
        Quality::Minimalism => minimal::apply(pixels, grown),
        Quality::Smoothness => smooth::apply(pixels, grown),
        Quality::Sharpness if grown < 0.0 => blur::apply(pixels, -grown),
        Quality::Sharpness => sharpen::apply(pixels, grown),
        Quality::Temperature
        | Quality::Saturation
        | Quality::Monochrome
        | Quality::Lightness
        | Quality::Contrast => {}
    }
}

/// How much of an edit is there that is either there or not.
fn presence(strength: f32) -> f32 {
    (strength / USUAL_STRENGTH).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
