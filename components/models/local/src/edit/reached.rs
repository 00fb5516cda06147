//! Whether the picture has the colours that an edit is about, and whether it reaches those
//! that are named.

use palette::Oklab;

use super::recolor::alike;
use super::tone::Tone;
use crate::color;
use crate::notes::Remark;
use crate::plan::Edit;
use crate::survey::Sample;
use concept_refinement_vocabulary::name;

/// Colours that differ by less have the same name.
const NEAR: f32 = 0.1;

/// What a table of colours, or a curve, is wrong by is less.
const UNSEEN: f32 = 0.02;

/// What is to be said of a change of colours.
pub fn remarks(edit: &Edit, sample: &Sample, tone: &Tone) -> Vec<Remark> {
    let is_absent = |color: u32| sample.share(alike(color)) == 0.0;
    let absent = |color| is_absent(color).then_some(Remark::Absent(color));
    let share = |color| {
        let is_near = near(color);
        sample.share(|lab| is_near(tone(lab)))
    };
    match edit {
        Edit::Replace(pairs) => {
            if let Some(remark) = pairs.iter().find_map(|pair| absent(pair.from)) {
                return vec![remark];
            }
            let named: Vec<_> = pairs
                .iter()
                .filter(|pair| pair.shade == 0.0 && pair.amount >= 1.0)
                .map(|pair| pair.to)
                .collect();
            missed(&named, share)
        }
        Edit::Shift(_, amount) if *amount >= 0.0 => Vec::new(),
        // There is some yellow in orange.
        Edit::Shift(..) if sample.share(|lab| !is_exact(tone(lab), lab)) > 0.0 => Vec::new(),
        Edit::Alter(color, ..) | Edit::Shift(color, _) => Vec::from_iter(absent(*color)),
        Edit::Recolor(recolor) if recolor.shade == 0.0 && recolor.amount >= 1.0 => {
            missed(&recolor.to, share)
        }
        _ => Vec::new(),
    }
}

/// The same of a reduction to these colours, in the picture after it.
pub fn exactly(colors: &[u32], after: &Sample) -> Option<Remark> {
    let missed = missed(colors, |color| after.share(near(color)));
    missed.first().copied()
}

/// The colours that too little of the picture has.
fn missed(colors: &[u32], share: impl Fn(u32) -> f32) -> Vec<Remark> {
    const LEAST: f32 = 0.0005;
    let missed = colors.iter().filter(|color| share(**color) < LEAST);
    missed.copied().map(Remark::Missed).collect()
}

/// Whether two colours differ by no more than a table of colours, or a curve, is wrong.
pub fn is_exact(one: Oklab, other: Oklab) -> bool {
    color::distance(one, other) < UNSEEN
}

/// Whether a colour has the name of this one, or is this one if that has no name.
fn near(named: u32) -> impl Fn(Oklab) -> bool {
    let is_hex = name(named).starts_with('#');
    let most = if is_hex { UNSEEN } else { NEAR };
    move |lab| color::distance(lab, color::from_hex_lab(named)) < most
}
