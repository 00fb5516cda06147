//! Reads edits of a part of the picture, which are not made: rules cannot distinguish
//! parts. Only the background can be found, to make it transparent.

use super::state::{Adjustment, Last, Modifiers, Part, Replacing, Series};
use super::{Quality, Reader, Unused};

impl Reader<'_> {
    /// Edits of a single part are not possible, but for the background's colour.
    pub(super) fn part(&mut self, name: String, is_background: bool) {
        self.clause.other = true;
        self.modifiers = Modifiers::default();
        if is_background && self.takes_ground(&name) {
            return;
        }
        let pending = std::mem::take(&mut self.pending).into_iter().next();
        let said = match (pending, self.last.take()) {
            (Some(change), _) => Some(change.text),
            (None, Some(last)) => {
                self.take_back(&last);
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

    /// "a darker background", "a plain white background": what was said before is the
    /// background's.
    fn takes_ground(&mut self, name: &str) -> bool {
        if self.end_ground() {
            return true;
        }
        if let [change] = self.pending.as_slice()
            && change.quality == Quality::Lightness
        {
            let amount = change.amount;
            self.pending.clear();
            self.set_ground(None, amount);
            return true;
        }
        // "switch to a white background", "replace the white background with blue"
        if let Replacing::From(colors, shade) = &mut self.replacing
            && self.series == Series::Color
            && let Some(color) = colors.pop()
        {
            let (shade, is_last) = (*shade, colors.is_empty());
            if is_last {
                self.replacing = Replacing::No;
            }
            self.set_ground(Some(color), shade);
            self.go_on_with_ground(name);
            return true;
        }
        let named = self.last.as_ref().map(|last| last.colors);
        let Some(color) = named.and_then(|before| self.colors.get(before)).copied() else {
            return false;
        };
        let shade = self.shade.take().unwrap_or_default();
        if let Some(last) = self.last.take() {
            self.take_back(&last);
        }
        self.set_ground(Some(color), shade);
        // "make the white background blue"
        if self.clause.named.take() == Some(color) && !self.clause.is_bare {
            self.go_on_with_ground(name);
        }
        true
    }

    /// The rest of the clause is about the background.
    fn go_on_with_ground(&mut self, name: &str) {
        self.clause.part = Some(Part {
            name: name.to_owned(),
            is_background: true,
            said: true,
        });
    }

    pub(super) fn take_back(&mut self, last: &Last) {
        self.adjustments.truncate(last.adjustments);
        self.colors.truncate(last.colors);
        // Also where another one of the same colour stays.
        if self.clause.colors.last() == Some(&last.text) {
            self.clause.colors.pop();
        }
        self.shade = last.shade;
        self.changed = 0..0;
    }

    pub(super) fn background(&mut self, text: String) {
        let Modifiers { not, without, .. } = self.modifiers;
        let is_transparency = |adjustment: &Adjustment| adjustment.quality == Quality::Transparency;
        let last = self.last.as_ref();
        let just_said = last.and_then(|last| self.adjustments.get(last.adjustments..));
        if just_said.is_some_and(|changes| changes.iter().any(is_transparency)) {
            // "a transparent background" is one thing.
            self.clause.has_ground = true;
            return;
        }
        if without && !not {
            self.modifiers = Modifiers::default();
            self.clause.has_ground = true;
            self.adjust_one(text, Quality::Transparency);
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
