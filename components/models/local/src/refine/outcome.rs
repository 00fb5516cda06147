//! Whether the result has what the prompt wants to keep, and lacks what it excludes.

use palette::Oklch;

use crate::color;
use crate::edit::{alike, closeness};
use crate::notes::Remark;
use crate::plan::{Edit, Plan};
use crate::survey::Sample;
use concept_refinement_vocabulary::Quality;

pub fn remarks(plan: &Plan, before: &Sample, after: &Sample) -> Vec<Remark> {
    /// Less of the picture is an edge between other colours.
    const SEEN: f32 = 0.005;
    const EDGES: f32 = 0.03;
    let share = |sample: &Sample, named: u32| sample.share(alike(named));
    let lost = plan.kept.iter().filter(|(_, color)| {
        let had = share(before, *color);
        had > SEEN && share(after, *color) < had / 2.0
    });
    let wanted: Vec<_> = plan.edits.iter().flat_map(named).collect();
    let left = plan.excluded.iter().filter(|(_, excluded)| {
        let excluded = color::from_hex(*excluded);
        let is_left = |lab| {
            let near = |color| closeness(color::polar(lab), color);
            // Of "orange, no red" nothing that became orange is red.
            near(excluded) > 0.5 && wanted.iter().all(|wanted| near(*wanted) < near(excluded))
        };
        after.share(is_left) > SEEN
    });
    let lost = lost.map(|(_, color)| Remark::Lost(*color));
    let simplifies = |edit: &Edit| matches!(edit, Edit::Adjust(Quality::Minimalism, _));
    // Of a picture that is flat already only the edges change.
    let is_flat = plan.edits.iter().all(simplifies) && before.differs(after) < EDGES;
    let hardly = (is_flat || before.is_like(after)).then_some(Remark::HardlyChanged);
    hardly
        .into_iter()
        .chain(lost)
        .chain(left.map(|(_, color)| Remark::Left(*color)))
        .collect()
}

/// The colours that an edit brings into the picture.
fn named(edit: &Edit) -> Vec<Oklch> {
    let colors = match edit {
        Edit::Recolor(recolor) => recolor.to.clone(),
        Edit::Quantize(quantize) => quantize.to.clone(),
        Edit::Replace(pairs) => pairs.iter().map(|pair| pair.to).collect(),
        Edit::Ink { ink, paper } => vec![*ink, *paper],
        Edit::Ground(ground) => ground.color.into_iter().collect(),
        _ => Vec::new(),
    };
    colors.into_iter().map(color::from_hex).collect()
}
