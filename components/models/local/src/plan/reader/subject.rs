//! Reads objects in the picture ("the cup"). Rules cannot find them, so changes of an
//! object are applied to the whole picture, and reported.

use super::state::{Adjustment, Clause};
use super::{Change, Reader, Unused, Widened};
use concept_refinement_vocabulary::Meaning;
use concept_refinement_vocabulary::Quality::Transparency;

/// The object that a clause is about, as far as known.
#[derive(Default)]
pub struct Subject {
    names: Vec<String>,
    state: State,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Outside,
    /// After "the".
    Expected,
    /// After a word of its name.
    Named,
}

impl Subject {
    /// Reads a word of the vocabulary.
    pub fn goes_on(&mut self, meaning: Meaning) {
        self.state = match (meaning, self.state) {
            (Meaning::Definite, _) => State::Expected,
            // "the blue cup"
            (Meaning::Color(_) | Meaning::Change(_), State::Expected) => State::Expected,
            _ => State::Outside,
        };
    }

    /// Reads an unknown word. Returns it unless it belongs to a name.
    fn unknown(&mut self, text: String) -> Option<String> {
        match (self.state, self.names.last_mut()) {
            (State::Outside, _) => return Some(text),
            (State::Named, Some(name)) => {
                name.push(' ');
                name.push_str(&text);
            }
            (State::Expected | State::Named, _) => self.names.push(text),
        }
        self.state = State::Named;
        None
    }
}

impl Reader<'_> {
    pub(super) fn unknown(&mut self, text: String) {
        if let Some(text) = self.clause.subject.unknown(text) {
            self.unused.push(Unused::Unknown(text));
        }
    }

    /// Ends a clause: reports the object, either as changed along with the whole picture,
    /// or as not understood.
    pub(super) fn end_subject(&mut self, clause: Clause) {
        let subjects = clause.subject.names;
        let asked = self.asked();
        self.clause.begun = asked;
        // "cut out the cup" leaves the cup as it is, and "make the cup transparent" does not.
        let is_cut = |last: &Adjustment| {
            let is_ground = clause.has_ground || last.text.starts_with("transparent background");
            last.quality == Transparency && (is_ground || last.text.starts_with("cut"))
        };
        let is_only = clause.changes && asked == clause.begun + 1;
        let is_cutout = is_only && self.adjustments.last().is_some_and(is_cut);
        if subjects.is_empty() || is_cutout {
            return;
        }
        if asked <= clause.begun {
            self.unused
                .extend(subjects.into_iter().map(Unused::Unknown));
            return;
        }
        let change = if clause.replaces {
            Change::Replaced
        } else if clause.colors.is_empty() {
            Change::Other
        } else {
            Change::Recolored(clause.colors)
        };
        self.widened.push(Widened { subjects, change });
    }

    /// How many changes were asked for so far.
    pub(super) fn asked(&self) -> usize {
        self.adjustments.len()
            + self.colors.len()
            + self.replacements.len()
            + self.altered.len()
            + self.turning.edits.len()
            + self.sizing.len()
            + usize::from(self.ground.is_some())
            + usize::from(self.count.is_some())
    }
}
