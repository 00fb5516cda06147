//! Reads a prompt word by word. A clause ends at punctuation and "and"; within
//! one, words refer to each other: "much less red", "the background blurred".

mod state;
mod turning;

use super::edits::{Edit, Plan, Recolor};
use crate::vocabulary::{Meaning, Quality, Toward};
use crate::words::Term;
use state::{Clause, Last, Modifiers, Part, Pending, Replacing};
use turning::Turning;

/// The state of reading.
#[derive(Default)]
pub struct Reader {
    adjustments: Vec<(Quality, f32)>,
    replacements: Vec<Recolor>,
    colors: Vec<u32>,
    shade: Option<f32>,
    /// The strength of the colours. None: not specified.
    tinge: Option<f32>,
    turning: Turning,
    ignored: Vec<String>,
    names_color: bool,
    modifiers: Modifiers,
    /// A change of lightness that may become the shade of a colour.
    pending: Option<Pending>,
    /// What the last word added, so that it can be undone.
    last: Option<Last>,
    /// Changes to which a later degree may apply: "blur it a lot".
    changed: std::ops::Range<usize>,
    replacing: Replacing,
    clause: Clause,
}

impl Reader {
    pub fn read(&mut self, Term { text, meaning }: Term) {
        let Some(meaning) = meaning else {
            self.settle();
            self.clause.other = true;
            // "without a busy background" is not without any.
            self.modifiers.not |= std::mem::take(&mut self.modifiers.without);
            if let Some(text) = self.turning.unknown(text) {
                self.ignored.push(text);
            }
            return;
        };
        match meaning {
            Meaning::Change(changes) => self.change(text, changes),
            Meaning::Color(color) => self.color(text, color),
            Meaning::Rotate | Meaning::Flip | Meaning::Crop | Meaning::MakeSquare => {
                self.turn(text, meaning);
            }
            Meaning::Toward(toward) => self.toward(text, toward),
            Meaning::Degree(factor) => {
                self.settle();
                self.modifiers.degree = (self.modifiers.degree * factor).clamp(0.25, 2.0);
            }
            Meaning::Reverse => {
                self.settle();
                self.modifiers.reverse = true;
            }
            Meaning::Not => {
                self.settle();
                self.modifiers.not = true;
            }
            Meaning::Without => {
                self.settle();
                self.modifiers.without = true;
            }
            Meaning::Keep => {
                self.settle();
                self.modifiers.keep = true;
            }
            Meaning::Whole => self.modifiers.keep = false,
            Meaning::Replace if self.modifiers.refusal().is_some() => {
                self.modifiers = Modifiers {
                    keep: true,
                    ..Modifiers::default()
                };
                self.replacing = Replacing::Refused;
            }
            Meaning::Replace => {
                self.settle();
                self.replacing = Replacing::Asked;
            }
            Meaning::By => {
                self.settle();
                if let Replacing::From(color) = self.replacing {
                    self.replacing = Replacing::By(color);
                }
            }
            Meaning::On => self.settle(),
            Meaning::Part => self.part(text, false),
            Meaning::Background => self.background(text),
            Meaning::Stop => self.stop(),
            Meaning::Or => {
                let negated = self.clause.negated;
                self.stop();
                self.modifiers.not = negated;
            }
            Meaning::Shade | Meaning::Filler => {}
        }
    }

    fn change(&mut self, text: String, changes: &[(Quality, f32)]) {
        self.settle();
        let modifiers = std::mem::take(&mut self.modifiers);
        let possible = changes
            .iter()
            .all(|(quality, _)| !modifiers.reverse || quality.can_be_less());
        let refusal = modifiers.refusal();
        self.clause.negated = modifiers.not || modifiers.without;
        if let Some(why) = refusal.or((!possible).then_some("less")) {
            self.ignored.push(format!("{why} {text}"));
            return;
        }
        let factor = if modifiers.reverse {
            -modifiers.degree
        } else {
            modifiers.degree
        };
        let changes: Vec<_> = changes
            .iter()
            .map(|(quality, amount)| (*quality, amount * factor))
            .collect();
        let of = |wanted| changes.iter().any(|(quality, _)| *quality == wanted);
        let part = self.clause.part.as_ref();
        if of(Quality::Transparency) && part.is_some_and(|part| part.is_background) {
            // The only edit of a part that is possible.
            self.clause.part = None;
        } else if self.is_of_part(&text) {
            return;
        }
        if of(Quality::Lightness) {
            self.pending = Some(Pending { text, changes });
        } else {
            self.adjust(text, changes);
        }
    }

    fn adjust(&mut self, text: String, changes: Vec<(Quality, f32)>) {
        self.last = Some(self.before(text));
        let start = self.adjustments.len();
        self.adjustments.extend(changes);
        self.changed = start..self.adjustments.len();
    }

    fn before(&self, text: String) -> Last {
        Last {
            text,
            adjustments: self.adjustments.len(),
            colors: self.colors.len(),
            shade: self.shade,
        }
    }

    fn color(&mut self, text: String, color: u32) {
        self.names_color = true;
        self.clause.other = true;
        let modifiers = std::mem::take(&mut self.modifiers);
        self.clause.negated = modifiers.not || modifiers.without;
        let less = modifiers.reverse.then_some("less");
        let refused = matches!(self.replacing, Replacing::Refused).then_some("keep");
        if let Some(why) = modifiers.refusal().or(less).or(refused) {
            self.settle();
            self.ignored.push(format!("{why} {text}"));
            return;
        }
        if self.is_of_part(&text) {
            return;
        }
        if let Replacing::Asked = self.replacing {
            self.settle();
            self.replacing = Replacing::From(color);
            return;
        }
        let before = self.before(text);
        let shade = self.take_shade();
        if let Replacing::By(from) = self.replacing {
            self.replacing = Replacing::No;
            self.replacements.push(Recolor {
                from: Some(from),
                to: vec![color],
                shade: shade.unwrap_or(0.0),
                amount: modifiers.degree.min(1.0),
            });
            return;
        }
        self.last = Some(before);
        self.shade = shade.or(self.shade);
        let tinge = modifiers.degree.min(1.0);
        self.tinge = Some(self.tinge.map_or(tinge, |stronger| stronger.max(tinge)));
        if !self.colors.contains(&color) {
            self.colors.push(color);
        }
    }

    /// Takes the pending lightness as a shade, and applies other pending
    /// changes.
    fn take_shade(&mut self) -> Option<f32> {
        let pending = self.pending.take()?;
        let mut shade = None;
        for (quality, amount) in pending.changes {
            if quality == Quality::Lightness {
                shade = Some(amount);
            } else {
                self.adjustments.push((quality, amount));
            }
        }
        shade
    }

    fn turn(&mut self, text: String, meaning: Meaning) {
        self.settle();
        let modifiers = std::mem::take(&mut self.modifiers);
        self.clause.negated = modifiers.not || modifiers.without;
        let less = (modifiers.degree < 1.0).then_some("slightly");
        if let Some(why) = modifiers.refusal().or(less) {
            self.ignored.push(format!("{why} {text}"));
            self.turning.refuse();
        } else if !self.is_of_part(&text) {
            self.ignored.extend(self.turning.start(text, meaning));
        }
    }

    fn toward(&mut self, text: String, toward: Toward) {
        self.settle();
        if self.modifiers.refusal().is_some() {
            self.ignored.push(format!("not {text}"));
        } else {
            self.ignored.extend(self.turning.toward(text, toward));
        }
    }

    /// Edits of a part only are not possible.
    fn part(&mut self, name: String, is_background: bool) {
        self.clause.other = true;
        self.modifiers = Modifiers::default();
        let said = match (self.pending.take(), self.last.take()) {
            (Some(pending), _) => Some(pending.text),
            (None, Some(last)) => {
                self.adjustments.truncate(last.adjustments);
                self.colors.truncate(last.colors);
                self.shade = last.shade;
                self.changed = 0..0;
                Some(last.text)
            }
            (None, None) => None,
        };
        match said {
            Some(said) => self.ignored.push(format!("{said} {name}")),
            None => {
                self.end_part();
                self.clause.part = Some(Part {
                    name,
                    is_background,
                    said: false,
                });
            }
        }
    }

    fn background(&mut self, text: String) {
        let Modifiers { not, without, .. } = self.modifiers;
        let is_transparency = |(quality, _): &(Quality, f32)| *quality == Quality::Transparency;
        let last = self.last.as_ref();
        let just_said = last.and_then(|last| self.adjustments.get(last.adjustments..));
        if just_said.is_some_and(|changes| changes.iter().any(is_transparency)) {
            // "a transparent background" is one thing.
            return;
        }
        if without && !not {
            self.modifiers = Modifiers::default();
            self.adjust(text, vec![(Quality::Transparency, 1.0)]);
        } else {
            self.part(text, true);
        }
    }

    /// Whether the edit is for a part that was named before; it is then
    /// reported.
    fn is_of_part(&mut self, text: &str) -> bool {
        let Some(part) = &mut self.clause.part else {
            return false;
        };
        self.ignored.push(format!("{} {text}", part.name));
        part.said = true;
        true
    }

    /// A part without an edit is reported itself.
    fn end_part(&mut self) {
        if let Some(part) = self.clause.part.take()
            && !part.said
        {
            self.ignored.push(part.name);
        }
    }

    /// Applies a pending lightness to the whole image.
    fn settle(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.adjust(pending.text, pending.changes);
        }
        self.last = None;
    }

    /// The end of a clause.
    fn stop(&mut self) {
        self.settle();
        self.end_part();
        let Modifiers {
            degree, reverse, ..
        } = std::mem::take(&mut self.modifiers);
        let clause = std::mem::take(&mut self.clause);
        // "blur it a lot", "lighter, but only a bit"
        if degree != 1.0 && !reverse && !clause.other {
            let changes = self.adjustments.get_mut(self.changed.clone());
            for (_, amount) in changes.into_iter().flatten() {
                *amount *= degree;
            }
            if degree < 1.0 {
                self.ignored.extend(self.turning.take_back("slightly"));
            }
        }
        if degree != 1.0 || clause.other {
            self.changed = 0..0;
        }
        if let Replacing::Refused = self.replacing {
            self.replacing = Replacing::No;
        }
        self.ignored.extend(self.turning.stop());
    }

    pub fn finish(mut self) -> Plan {
        self.stop();
        // "turn it brown", "change blue, make it lighter": no pair came of it.
        if let Replacing::From(color) | Replacing::By(color) = self.replacing
            && !self.colors.contains(&color)
        {
            self.colors.push(color);
        }
        let mut recolors = self.replacements;
        if !self.colors.is_empty() {
            recolors.push(Recolor {
                from: None,
                to: self.colors,
                shade: self.shade.unwrap_or(0.0),
                amount: self.tinge.unwrap_or(1.0),
            });
        }
        let turns = self.turning.finish().into_iter().map(Edit::Turn);
        let adjustments = combined(self.adjustments).into_iter();
        let adjustments = adjustments.map(|(quality, amount)| Edit::Adjust(quality, amount));
        let mut plan = Plan {
            edits: turns.chain(adjustments).collect(),
            ignored: self.ignored,
            names_color: self.names_color,
        };
        plan.insert(recolors.into_iter().map(Edit::Recolor).collect());
        plan
    }
}

/// One adjustment a quality, in the order of the qualities.
fn combined(adjustments: Vec<(Quality, f32)>) -> Vec<(Quality, f32)> {
    let mut combined: Vec<(Quality, f32)> = Vec::new();
    for (quality, amount) in adjustments {
        match combined
            .iter_mut()
            .find(|(stronger, _)| *stronger == quality)
        {
            // Said twice is not twice as much; the last word of two that
            // contradict each other counts.
            Some((_, stronger)) if stronger.signum() == amount.signum() => {
                *stronger = stronger.abs().max(amount.abs()).copysign(amount);
            }
            Some((_, stronger)) => *stronger = amount,
            None => combined.push((quality, amount)),
        }
    }
    combined.sort_by_key(|(quality, _)| *quality);
    combined
}
