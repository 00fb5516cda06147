//! Reads the background's colour: "white background", "a darker background", "blue on
//! white".

use super::state::Adjustment;
use super::{Ground, Quality, Reader, Unused};

impl Reader<'_> {
    /// Whether the colour is the background's: "blue on white", "background: white".
    pub(super) fn is_of_ground(&mut self, text: &str, color: u32) -> bool {
        let part = self.clause.part.as_mut();
        if let Some(part) = part.filter(|part| part.is_background) {
            part.said = true;
            let shade = self.ground_shade();
            self.set_ground(Some(color), shade);
            return true;
        }
        if !self.clause.is_on || self.clause.on.is_some() {
            return false;
        }
        let shade = self.ground_shade();
        let ground = Ground {
            color: Some(color),
            shade,
        };
        self.clause.on = Some((text.to_owned(), ground));
        true
    }

    /// The shade of a colour that is only the background's: of "pale" it is the lightness.
    fn ground_shade(&mut self) -> f32 {
        let is_shade = |change: &Adjustment| change.quality == Quality::Lightness;
        self.pending.retain(is_shade);
        self.take_shade().unwrap_or_default()
    }

    /// Whether the changes are of the background's lightness alone.
    pub(super) fn shades_ground(&mut self, changes: &[Adjustment]) -> bool {
        let part = self.clause.part.as_mut();
        let Some(part) = part.filter(|part| part.is_background) else {
            return false;
        };
        match changes {
            [change] if change.quality == Quality::Lightness => {
                part.said = true;
                self.set_ground(None, change.amount);
                true
            }
            _ => false,
        }
    }

    pub(super) fn set_ground(&mut self, color: Option<u32>, shade: f32) {
        let ground = self.ground.get_or_insert_default();
        ground.color = color.or(ground.color);
        ground.shade = shade;
        self.clause.has_ground = true;
        self.clause.other = true;
    }

    pub(super) fn solid_background(&mut self, text: String) {
        self.settle();
        let modifiers = std::mem::take(&mut self.modifiers);
        if !self.refused(modifiers, &text) {
            self.set_ground(None, 0.0);
        }
    }

    /// "blue on white": takes the colour that was read for the background, if there is one.
    /// Whether there was.
    pub(super) fn end_ground(&mut self) -> bool {
        let on = self.clause.on.take();
        if let Some((_, ground)) = &on {
            self.set_ground(ground.color, ground.shade);
        }
        on.is_some()
    }

    /// "on a white table": it is not the background's colour.
    pub(super) fn drop_ground(&mut self) {
        if let Some((text, _)) = self.clause.on.take() {
            self.unused.push(Unused::Undone(format!("on {text}")));
        }
        self.clause.is_on = false;
    }
}
