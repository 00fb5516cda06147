//! Reads how much of a change is asked for in per cent: "20% brighter", "contrast -30%",
//! "brightness to 80%", "half as bright".

use super::ahead::LEVELS;
use super::state::{Adjustment, Modifiers, Percent};
use super::{Quality, Reader, Unused};
use crate::plan::{CONTRAST_LOSS, SATURATION_LOSS};
use concept_refinement_vocabulary::Meaning;

impl Reader<'_> {
    /// A percentage is of the change before it, if that stands next to it, or else of the
    /// next change or size.
    pub(super) fn percent(&mut self, text: String, part: f32) {
        let percent = Percent {
            said: part,
            is_target: self.is_to,
        };
        self.settle();
        if self.is_after_change && !self.ahead.is_percent_of_next() && !self.changed.is_empty() {
            self.set_amount(&text, percent);
        } else {
            self.sizing.percent(percent);
            self.modifiers.take_percent(percent);
            self.clause.percent = Some(text);
        }
    }

    /// "half as bright"
    pub(super) fn share(&mut self, text: String, part: f32) {
        self.settle();
        self.sizing.percent(Percent {
            said: part,
            is_target: true,
        });
        self.modifiers.take_percent(Percent {
            said: part - 1.0,
            is_target: false,
        });
        self.clause.percent = Some(text);
    }

    /// Whether a change takes its amount from the percentage before it. False: there is
    /// none to be made.
    pub(super) fn heeds_percent(
        &mut self,
        modifiers: Modifiers,
        changes: &[(Quality, f32)],
        text: &str,
    ) -> bool {
        let said = self.clause.percent.clone().unwrap_or_default();
        let is_none = modifiers.percent.is_some_and(|percent| {
            let mut changes = changes.iter();
            changes.all(|(quality, own)| percent.by(*quality, *own) == 0.0)
        });
        if is_none {
            self.undone(&said, text);
        }
        !is_none
    }

    /// The percentage says nothing about changes that are made as a whole.
    pub(super) fn end_percent(&mut self, changes: &[Adjustment]) {
        let is_partly = |percent: Percent| percent.said != 1.0;
        let is_unused =
            |change: &Adjustment| is_whole(change.quality) && change.percent.is_some_and(is_partly);
        if let Some(said) = self.clause.percent.take()
            && changes.iter().any(is_unused)
        {
            self.unused.push(Unused::Unknown(said));
        }
    }

    /// What is left at the end of a clause: "darker, but only 20%".
    pub(super) fn later_percent(&mut self, modifiers: Modifiers, is_of_last: bool, has_size: bool) {
        let (Some(percent), Some(said)) = (modifiers.percent, self.clause.percent.take()) else {
            return;
        };
        if is_of_last && !self.changed.is_empty() {
            self.set_amount(&said, percent);
        } else if !has_size {
            self.unused.push(Unused::Unknown(said));
        }
    }

    /// Gives the last changes the amount that the percentage says.
    fn set_amount(&mut self, said: &str, percent: Percent) {
        let is_reversed = std::mem::take(&mut self.modifiers.reverse);
        let rises = self.clause.rises;
        for change in self.last_changes() {
            change.percent = Some(percent);
        }
        if let Some(text) = self.set_last(|change| change.at(percent, is_reversed, rises)) {
            self.undone(&text, said);
        } else if percent.said != 1.0 && self.last_changes().iter().any(|it| is_whole(it.quality)) {
            self.unused.push(Unused::Unknown(said.to_owned()));
        }
    }

    /// "brightness lower": the last changes are reversed.
    pub(super) fn reverse_last(&mut self, degree: f32) {
        let rises = self.clause.rises;
        if let Some(text) = self.set_last(|change| change.reversed(degree, rises)) {
            self.undone("less", &text);
        }
    }

    /// Whether a number is how much of the change before it: of a level by any, of others by a
    /// negative one. A decimal ("contrast 1.0") is on no scale of a hundred.
    pub(super) fn is_amount(&self, text: &str, figure: f32) -> bool {
        let settled = self.adjustments.get(self.changed.clone());
        let last = self.pending.last().or(settled.and_then(<[_]>::last));
        let is_level = last.is_some_and(|last| LEVELS.contains(&last.text.as_str()));
        let is_some = figure < 0.0 || (is_level && figure > 0.0 && !text.contains('.'));
        is_some && self.is_after_change && !self.turning.rotates()
    }

    fn last_changes(&mut self) -> &mut [Adjustment] {
        let changes = self.adjustments.get_mut(self.changed.clone());
        changes.unwrap_or_default()
    }

    /// Whether the last change is of how vivid the picture is.
    pub(super) fn is_saturation(&mut self) -> bool {
        let is_vivid =
            |change: &Adjustment| change.quality == Quality::Saturation && change.own > 0.0;
        self.pending.is_empty() && matches!(self.last_changes(), [change] if is_vivid(change))
    }

    /// Gives the last changes other amounts. If one of them cannot have any, they are taken
    /// back, and the word for them is returned.
    fn set_last(&mut self, aim: impl Fn(&Adjustment) -> Option<f32>) -> Option<String> {
        let changes = self.last_changes();
        let aims: Option<Vec<f32>> = changes.iter().map(aim).collect();
        let Some(aims) = aims else {
            let text = changes.first().map(|change| change.text.clone());
            self.adjustments.drain(self.changed.clone());
            self.changed = 0..0;
            return text;
        };
        for (change, aim) in changes.iter_mut().zip(aims) {
            change.amount = aim;
        }
        None
    }
}

/// Whether the word reverses a change before it: "brightness lower", and not "the contrast
/// is low".
pub fn is_lower(text: &str) -> bool {
    let words = ["lower", "less", "reduc", "decreas", "too high", "down"];
    words.iter().any(|word| text.starts_with(word))
}

/// Whether a word stands between a change and its percentage: "brightness down *to* 80%".
pub fn is_between(text: &str, meaning: Option<Meaning>) -> bool {
    use Meaning::{Definite, Filler, Reverse, Whole};
    matches!(meaning, Some(Filler | Definite | Reverse | Whole))
        || matches!(text, "by" | "to" | "at" | "should be" | "only" | ":" | "(")
}

impl Modifiers {
    fn take_percent(&mut self, percent: Percent) {
        self.percent = Some(percent);
        self.reverse |= percent.said < 0.0;
        self.degree = plain(percent.said);
    }

    /// How much of a quality is asked for; `own` is what the plain word asks for.
    pub(super) fn amount(self, quality: Quality, own: f32) -> f32 {
        let turned = if self.reverse { -own } else { own };
        match self.percent {
            Some(percent) if percent.is_level(quality, own) => {
                let by = percent.by(quality, own);
                scaled(quality, own.copysign(by), by)
            }
            Some(percent) => scaled(quality, turned, percent.said),
            None => turned * self.degree,
        }
    }
}

impl Adjustment {
    /// The amount that a word like "lower" after it says. None: there cannot be less.
    fn reversed(&self, degree: f32, rises: bool) -> Option<f32> {
        match self.percent {
            Some(percent) => self.at(percent, true, rises),
            None => (self.quality.can_be_less()).then_some(-self.amount * degree),
        }
    }

    /// The amount that a percentage after it says. None: there is none, or it contradicts
    /// the word.
    fn at(&self, percent: Percent, is_reversed: bool, rises: bool) -> Option<f32> {
        let is_turned = is_reversed || self.amount.signum() != self.own.signum();
        let verbs = ["en", "er"];
        let is_raised = rises || verbs.iter().any(|end| self.text.ends_with(end));
        let is_level = percent.is_level(self.quality, self.own);
        let by = percent.by(self.quality, self.own);
        let is_less = if is_level {
            by < 0.0
        } else {
            (self.own < 0.0) != (is_turned || by < 0.0)
        };
        // "increase the brightness to 80%"
        let contradicts = is_level && if is_less { is_raised } else { is_turned };
        let is_possible = self.quality.can_be_less() || !is_less;
        if contradicts || !is_possible || by == 0.0 {
            return None;
        }
        let own = self.own.copysign(if is_less { -1.0 } else { 1.0 });
        Some(scaled(self.quality, own, by))
    }
}

/// So many per cent as a multiple of what the plain word asks for: about a third.
fn plain(by: f32) -> f32 {
    (by.abs() * 3.0).clamp(0.05, 3.0)
}

/// What is taken away is a part of the whole; of other changes only about so much is
/// known.
fn scaled(quality: Quality, own: f32, by: f32) -> f32 {
    own * match quality {
        Quality::Saturation if own < 0.0 => by.abs().min(1.0) / SATURATION_LOSS,
        Quality::Contrast if own < 0.0 => by.abs().min(1.0) / CONTRAST_LOSS,
        Quality::Monochrome | Quality::Sepia => by.abs().min(1.0),
        quality if is_whole(quality) => 1.0,
        _ => plain(by),
    }
}

/// Whether it is made as a whole or not at all.
pub fn is_whole(quality: Quality) -> bool {
    matches!(
        quality,
        Quality::Transparency | Quality::Inversion | Quality::DarkMode
    )
}
