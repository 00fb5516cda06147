//! Reads edits of a part of the picture, which are not made: rules cannot distinguish
//! parts. Only the background can be found, to make it transparent.

use super::state::{Modifiers, Part};
use super::{Quality, Reader, Unused};

impl Reader {
    /// Edits of a single part are not possible.
    pub(super) fn part(&mut self, name: String, is_background: bool) {
        self.clause.other = true;
        self.modifiers = Modifiers::default();
        let said = match (self.pending.take(), self.last.take()) {
            (Some(pending), _) => Some(pending.text),
            (None, Some(last)) => {
                self.adjustments.truncate(last.adjustments);
                if self.colors.len() > last.colors {
                    self.colors.truncate(last.colors);
                    self.clause.colors.pop();
                }
                self.shade = last.shade;
                self.changed = 0..0;
                Some(last.text)
            }
            (None, None) => None,
        };
        match said {
            Some(said) => self.unused.push(Unused::OfPart(format!("{said} {name}"))),
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

    pub(super) fn background(&mut self, text: String) {
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

    /// Whether the edit is about a part that was named before; it is then reported.
    pub(super) fn is_of_part(&mut self, text: &str) -> bool {
        let Some(part) = &mut self.clause.part else {
            return false;
        };
        let said = format!("{} {text}", part.name);
        part.said = true;
        self.unused.push(Unused::OfPart(said));
        true
    }

    /// A part without an edit is reported itself.
    pub(super) fn end_part(&mut self) {
        if let Some(part) = self.clause.part.take()
            && !part.said
        {
            self.unused.push(Unused::OfPart(part.name));
        }
    }
}
