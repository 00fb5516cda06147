//! Whether the picture has the colours that an edit is about, and whether it reaches those
//! that are named.

use palette::Oklab;

use super::recolor::alike;
use super::tone::Tone;
use crate::color;
use crate::notes::Remark;
use crate::plan::Edit;
use crate::survey::Sample;

/// Colours that differ by less have the same name.
const NEAR: f32 = 0.1;

/// What is to be said of a change of colours.
pub fn remark(edit: &Edit, sample: &Sample, tone: &Tone) -> Option<Remark> {
    let is_absent = |color: u32| sample.share(alike(color)) == 0.0;
    let share = |color| sample.share(|lab| is_near(tone(lab), color));
    match edit {
        Edit::Replace(pairs) => {
            let absent = pairs.iter().map(|pair| pair.from);
            let absent: Vec<_> = absent.filter(|color| is_absent(*color)).collect();
            if let Some(color) = absent.first() {
                return Some(Remark::Absent(*color));
            }
            let named: Vec<_> = pairs
                .iter()
                .filter(|pair| pair.shade == 0.0 && pair.amount >= 1.0)
                .map(|pair| pair.to)
                .collect();
            missed(&named, share)
        }
        Edit::Shift(_, amount) if *amount >= 0.0 => None,
        Edit::Alter(color, ..) | Edit::Shift(color, _) => {
            is_absent(*color).then_some(Remark::Absent(*color))
        }
        Edit::Recolor(recolor) if recolor.shade == 0.0 && recolor.amount >= 1.0 => {
            missed(&recolor.to, share)
        }
        _ => None,
    }
}

/// The same of a reduction to these colours, in the picture after it.
pub fn exactly(colors: &[u32], after: &Sample) -> Option<Remark> {
    missed(colors, |color| after.share(|lab| is_near(lab, color)))
}

/// The first colour that too little of the picture has.
fn missed(colors: &[u32], share: impl Fn(Oklab) -> f32) -> Option<Remark> {
    const LEAST: f32 = 0.0005;
    let is_missed = |color: &&u32| share(color::from_hex_lab(**color)) < LEAST;
    colors.iter().find(is_missed).copied().map(Remark::Missed)
}

/// Whether two colours differ by no more than a table of colours, or a curve, is wrong.
pub fn is_exact(one: Oklab, other: Oklab) -> bool {
    const UNSEEN: f32 = 0.02;
    color::distance(one, other) < UNSEEN
}

fn is_near(one: Oklab, other: Oklab) -> bool {
    color::distance(one, other) < NEAR
}
