//! Reads a prompt word by word. A clause ends at punctuation and "and"; within
//! one, words refer to each other: "much less red", "the background blurred".

mod finish;
mod part;
mod state;
mod subject;
mod turning;

use super::edits::{Change, Edit, Plan, Quantize, Recolor, Unused, Widened};
use crate::words::Term;
use concept_refinement_vocabulary::{Meaning, Quality, Toward};
use state::{Clause, Last, Modifiers, Pending, Replacing};
use turning::Turning;

/// The state of reading.
#[derive(Default)]
pub struct Reader {
    adjustments: Vec<(Quality, f32)>,
    replacements: Vec<Recolor>,
    colors: Vec<u32>,
    shade: Option<f32>,
    /// The strength of colours. None: not specified.
    tinge: Option<f32>,
    /// To how many colours to reduce.
    count: Option<u8>,
    turning: Turning,
    unused: Vec<Unused>,
    widened: Vec<Widened>,
    names_color: bool,
    modifiers: Modifiers,
    /// A change of lightness that may become the shade of a colour.
    pending: Option<Pending>,
    /// What the last word added, so that it can be undone.
    last: Option<Last>,
    /// Changes that a later degree may apply to: "blur it a lot".
    changed: std::ops::Range<usize>,
    replacing: Replacing,
    clause: Clause,
}

impl Reader {
    pub fn read(&mut self, Term { text, meaning }: Term) {
        let Some(meaning) = meaning else {
            self.settle();
            self.clause.other = true;
            // "without a busy background" does not ask for no background.
            self.modifiers.not |= std::mem::take(&mut self.modifiers.without);
            self.unknown(text);
            return;
        };
        self.clause.subject.goes_on(meaning);
        match meaning {
            Meaning::Change(changes) => self.change(text, changes),
            Meaning::Color(color) => self.color(text, color),
            Meaning::Rotate
            | Meaning::Flip
            | Meaning::Crop
            | Meaning::MakeSquare
            | Meaning::MakeCircle => self.turn(text, meaning),
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
            Meaning::Number(number) => self.number(text, number),
            Meaning::ColorWord => self.number_of_colors(&text),
            Meaning::BlackAndWhite => self.black_and_white(text),
            // "background: blue"
            Meaning::Stop if text == ":" && self.clause.part.is_some() => self.settle(),
            Meaning::Stop => self.stop(),
            Meaning::Or => {
                let negated = self.clause.negated;
                self.stop();
                self.modifiers.not = negated;
            }
            Meaning::Shade | Meaning::Definite | Meaning::Filler => {}
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
            self.undone(why, &text);
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
            // The only possible edit of a part.
            self.clause.part = None;
        } else if self.is_of_part(&text) {
            return;
        }
        if of(Quality::Tightness) && !self.turning.tighten() {
            // "don't crop it tighter"
            self.undone("not", &text);
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
            self.undone(why, &text);
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
        let before = self.before(text.clone());
        let shade = self.take_shade();
        if let Replacing::By(from) = self.replacing {
            self.replacing = Replacing::No;
            self.clause.replaces = true;
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
        self.clause.colors.push(text);
        if !self.colors.contains(&color) {
            self.colors.push(color);
        }
    }

    fn undone(&mut self, why: &str, text: &str) {
        self.unused.push(Unused::Undone(format!("{why} {text}")));
    }

    /// A number of colours, or an angle: the following words tell which.
    fn number(&mut self, text: String, number: u8) {
        if let Some((earlier, _)) = self.clause.number.replace((text, number)) {
            self.unused.extend(self.turning.unknown(earlier));
        }
    }

    /// "colours": the number before it, if any, is the number of colours to keep.
    fn number_of_colors(&mut self, text: &str) {
        let Some((number, count)) = self.clause.number.take() else {
            return;
        };
        // "keep only two colours", "reduce it to two colours"
        let Modifiers { not, without, .. } = std::mem::take(&mut self.modifiers);
        self.clause.negated = not || without;
        let said = format!("{number} {text}");
        if self.clause.negated {
            self.undone("not", &said);
        } else if !self.is_of_part(&said) {
            self.clause.other = true;
            self.count = Some(count);
        }
    }

    fn black_and_white(&mut self, text: String) {
        self.settle();
        let Modifiers { not, without, .. } = std::mem::take(&mut self.modifiers);
        self.clause.negated = not || without;
        if self.clause.negated {
            self.undone("not", &text);
        } else if !self.is_of_part(&text) {
            self.adjust(text, vec![(Quality::Monochrome, 1.0)]);
            self.clause.other = true;
            self.count = Some(2);
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
            self.undone(why, &text);
            self.turning.refuse();
        } else if !self.is_of_part(&text) {
            self.unused.extend(self.turning.start(text, meaning));
        }
    }

    fn toward(&mut self, text: String, toward: Toward) {
        self.settle();
        if self.modifiers.refusal().is_some() {
            self.undone("not", &text);
        } else {
            self.unused.extend(self.turning.toward(text, toward));
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
        if let Some((number, _)) = self.clause.number.take() {
            self.unused.extend(self.turning.unknown(number));
        }
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
                self.unused.extend(self.turning.take_back("slightly"));
            }
        }
        if degree != 1.0 || clause.other {
            self.changed = 0..0;
        }
        if let Replacing::Refused = self.replacing {
            self.replacing = Replacing::No;
        }
        self.unused.extend(self.turning.stop());
        self.end_subject(clause);
    }
}
