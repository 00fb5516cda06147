//! Reads numbers: of colours, of degrees, and sizes.

use super::state::Modifiers;
use super::{Quality, Reader};
use concept_refinement_vocabulary::Meaning;

impl Reader<'_> {
    /// A number of colours, or an angle: the following words tell which.
    pub(super) fn number(&mut self, text: String, number: u8) {
        self.end_number();
        self.clause.number = Some((text, number));
    }

    /// The number before counts no colours, but may be an angle.
    pub(super) fn end_number(&mut self) {
        if let Some((text, number)) = self.clause.number.take() {
            let unused = self.turning.figure(text, f32::from(number));
            self.unused.extend(unused);
        }
    }

    pub(super) fn figure(&mut self, text: String, figure: f32) {
        self.settle();
        self.clause.other = true;
        self.unused.extend(self.turning.figure(text, figure));
    }

    /// A size, unless the clause refuses one ("don't crop to 16:9") or is about something
    /// else ("2x brighter").
    pub(super) fn measure(&mut self, text: &str, meaning: Meaning) {
        self.settle();
        self.clause.other = true;
        if self.clause.negated || self.modifiers.refusal().is_some() {
            self.unwanted("not", text);
            return;
        }
        if let Meaning::Times(times) = meaning {
            self.modifiers.degree = times.clamp(0.25, 2.0);
        }
        self.sizing.measure(meaning);
    }

    /// "colours": the number before it, if any, is the number of colours to keep.
    pub(super) fn number_of_colors(&mut self, text: &str) {
        if let Some((number, count)) = self.clause.number.take() {
            self.reduce(&format!("{number} {text}"), count);
        }
    }

    /// To so many colours. "keep only two colours" asks for it, too. False: it is refused.
    fn reduce(&mut self, said: &str, count: u8) -> bool {
        let Modifiers { not, without, .. } = std::mem::take(&mut self.modifiers);
        self.clause.negated = not || without;
        if self.clause.negated {
            self.unwanted("not", said);
        } else if !self.is_of_part(said) {
            self.clause.other = true;
            self.count = Some(count);
            return true;
        }
        false
    }

    pub(super) fn duotone(&mut self, text: &str) {
        self.settle();
        let modifiers = std::mem::take(&mut self.modifiers);
        if !self.refused(modifiers, text) && !self.is_of_part(text) {
            self.clause.other = true;
            self.count = Some(2);
        }
    }

    pub(super) fn black_and_white(&mut self, text: String) {
        self.settle();
        if self.reduce(&text, 2) {
            self.adjust_one(text, Quality::Monochrome);
        }
    }
}
