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
mod vanish;
mod vignette;
mod window;

use crate::notes::Remark;
use crate::pixels::Pixels;
use crate::plan::{Edit, LEAST_CONTRAST, Plan};
use crate::survey::{Sample, Survey};
use concept_refinement_vocabulary::Quality;
use lut::Lut;
use palette::Oklab;
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
        let way = |edit| way(edit, strength, &sample, &survey);
        let mut tones = Vec::new();
        let mut cores = Vec::new();
        while let Some(edit) = edits.peek().copied()
            && let Way::Tone(tone) = way(edit)
        {
            let tone = recolor::keep(&kept, tone);
            remarks.extend(reached::remarks(edit, &sample, &tone));
            let is_reached = |(from, to): &(Oklab, Oklab)| reached::is_exact(tone(*from), *to);
            let exact = recolor::cores(edit, &sample).into_iter();
            cores.extend(exact.filter(is_reached).map(|core| (tones.len(), core)));
            tones.push(tone);
            edits.next();
        }
        if !tones.is_empty() {
            table(&tones, &cores).apply(pixels);
        } else if let Some(Way::Reshape(reshape)) = edits.next().map(way) {
            remarks.extend(reshape(pixels));
        }
    }
    remarks
}

/// What becomes of each colour. `cores` are those that one of the tones brings exactly to
/// another colour.
fn table(tones: &[Tone], cores: &[(usize, (Oklab, Oklab))]) -> Lut {
    let changed = |tones: &[Tone], color| tones.iter().fold(color, |color, tone| tone(color));
    let mut lut = Lut::new(|color| changed(tones, color));
    for (place, (from, to)) in cores {
        let (earlier, rest) = tones.split_at_checked(*place).unwrap_or_default();
        if reached::is_exact(changed(earlier, *from), *from) {
            let later = rest.get(1..).unwrap_or_default();
            lut.pin(*from, changed(later, *to));
        }
    }
    lut
}

/// How an edit is made.
enum Way<'a> {
    /// Each colour becomes another one.
    Tone(Tone),
    /// It depends on more than the colour.
    Reshape(Reshape<'a>),
}

type Reshape<'a> = Box<dyn FnOnce(&mut Pixels) -> Option<Remark> + 'a>;

fn way<'a>(edit: &'a Edit, strength: f32, sample: &Sample, survey: &Survey) -> Way<'a> {
    let presence = presence(strength);
    match edit {
        Edit::Recolor(recolor) => Way::Tone(recolor::tone(recolor, presence, sample, survey)),
        Edit::Replace(pairs) => Way::Tone(recolor::replace(pairs, presence, sample)),
        Edit::Alter(color, Quality::Transparency, _) => Way::Reshape(Box::new(move |pixels| {
            vanish::apply(pixels, *color, presence)
        })),
        Edit::Alter(color, quality, amount) => match adjust(*quality, *amount, strength, survey) {
            Way::Tone(change) => Way::Tone(recolor::alter(*color, change)),
            Way::Reshape(_) => reshape(|_| {}),
        },
        Edit::Shift(color, amount) => Way::Tone(recolor::shift(*color, amount * presence)),
        Edit::Steer(colors) => Way::Tone(steer::tone(colors, presence, survey)),
        Edit::Adjust(quality, amount) => adjust(*quality, *amount, strength, survey),
        Edit::Turn(turn) => reshape(|pixels| turn::apply(pixels, *turn)),
        Edit::Rotate(degrees) => reshape(|pixels| rotate::apply(pixels, *degrees)),
        Edit::Crop(width, height) => reshape(|pixels| size::crop(pixels, *width, *height)),
        Edit::Quantize(colors) => Way::Reshape(Box::new(move |pixels| {
            quantize::apply(pixels, colors, presence);
            let named = Some(&colors.to).filter(|named| !named.is_empty())?;
            reached::exactly(named, &Sample::of(pixels))
        })),
        Edit::Ink { ink, paper } => reshape(|pixels| ink::apply(pixels, *ink, *paper)),
        Edit::Ground(ground) => Way::Reshape(Box::new(|pixels| background::fill(pixels, ground))),
        Edit::Pad(pad, ground) => reshape(|pixels| size::pad(pixels, *pad, ground)),
        Edit::Resize(resize) => reshape(|pixels| size::resize(pixels, *resize)),
        Edit::Circle => reshape(corners::circle),
    }
}

fn adjust(quality: Quality, amount: f32, strength: f32, survey: &Survey) -> Way<'static> {
    let grown = amount * strength / USUAL_STRENGTH;
    let presence = presence(amount * strength);
    // These only add: `apply` is not called with an amount of zero or less.
    let reshaped = |apply: fn(&mut Pixels, f32)| {
        reshape(move |pixels| {
            if grown > 0.0 {
                apply(pixels, grown);
            }
        })
    };
    match quality {
        Quality::Temperature => Way::Tone(tone::temperature(grown)),
        Quality::Saturation => Way::Tone(tone::saturation(grown)),
        Quality::Monochrome => Way::Tone(tone::monochrome(presence)),
        Quality::Sepia => Way::Tone(tone::sepia(presence)),
        Quality::Lightness => Way::Tone(tone::lightness(grown)),
        Quality::Contrast => {
            // However strong the edits are, some is left, or what a percentage says.
            let least = amount.min(LEAST_CONTRAST);
            Way::Tone(tone::contrast(grown.max(least), survey.lightness))
        }
        // Of a picture that is clearly dark already nothing changes.
        Quality::DarkMode if survey.is_dark == Some(amount > 0.0) => Way::Tone(Box::new(|lab| lab)),
        Quality::DarkMode => Way::Tone(tone::dark_mode(self::presence(amount.abs() * strength))),
        Quality::Tightness => reshaped(tighten::apply),
        Quality::Minimalism => reshaped(minimal::apply),
        Quality::Smoothness => reshaped(smooth::apply),
        Quality::Outline => reshaped(outline::apply),
        Quality::Sketch => reshaped(sketch::apply),
        Quality::Pixelation => reshaped(pixelate::apply),
        Quality::Posterization => reshaped(posterize::apply),
        Quality::Vignette => reshaped(vignette::apply),
        Quality::Corners => reshaped(corners::apply),
        Quality::Inversion => reshape(move |pixels| invert::apply(pixels, presence)),
        Quality::Sharpness if grown < 0.0 => reshape(move |pixels| blur::apply(pixels, -grown)),
        Quality::Sharpness => reshaped(sharpen::apply),
        Quality::Transparency => {
            Way::Reshape(Box::new(move |pixels| background::apply(pixels, grown)))
        }
        Quality::Shadow => Way::Reshape(Box::new(move |pixels| shadow::apply(pixels, grown))),
    }
}

/// A change about which there is nothing to remark.
fn reshape<'a>(change: impl FnOnce(&mut Pixels) + 'a) -> Way<'a> {
    Way::Reshape(Box::new(|pixels| {
        change(pixels);
        None
    }))
}

/// How much of an all-or-nothing edit is applied.
fn presence(strength: f32) -> f32 {
    (strength / USUAL_STRENGTH).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
