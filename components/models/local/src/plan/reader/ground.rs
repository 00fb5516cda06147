//! Reads the background's colour: "white background", "a darker background", "blue on
//! white".

use super::state::Adjustment;
use super::{Ground, Quality, Reader, Unused};
use crate::color;
use crate::survey::{BLACK, PAPER};

impl Reader<'_> {
    /// Whether the colour is the padding's, or one that it is not to have: "white padding", "pad it
    /// with white instead of black", but not "padding around blue text".
    pub(super) fn is_of_padding(&mut self, color: u32) -> bool {
        let is_behind = self.sizing.pads() && !self.clause.is_around && !self.ahead.is_background();
        let is_padding = self.ahead.is_pad() || is_behind;
        if is_padding {
            let shade = self.ground_shade();
            let color = Some(color);
            if self.modifiers.refusal().is_none() {
                self.sizing.fill(Ground { color, shade });
            }
        }
        is_padding
    }

    /// Whether the colour is that of something drawn, which has its own: "a blue shadow", "rounded
    /// corners in white".
    pub(super) fn is_of_drawing(&mut self, text: &str, color: u32) -> bool {
        let is_black = color::from_hex(color).l < BLACK;
        let is_dark = |changes: &[_]| matches!(changes, [(Quality::Shadow | Quality::Vignette, _)]);
        if let Some(drawn) = self.clause.drawn.take() {
            self.undone(&drawn, text);
        } else if self.ahead.is_change(|changes| self.draws(changes, color)) {
            let is_own = is_black && self.ahead.is_change(is_dark);
            self.clause.drawn = (!is_own).then(|| text.to_owned());
        } else {
            return false;
        }
        self.pending.clear();
        // "a soft grey shadow": soft is the shadow, not the picture.
        let before = &self.previous;
        if let Some(last) = self.last.take_if(|last| last.text == *before) {
            self.take_back(&last);
        }
        true
    }

    /// Whether the changes draw something that cannot have this colour: a shadow has its own, and
    /// white lines cannot be seen on white.
    pub(super) fn draws(&self, changes: &[(Quality, f32)], color: u32) -> bool {
        let [(quality, _)] = changes else {
            return false;
        };
        match quality {
            Quality::Shadow | Quality::Corners | Quality::Vignette => true,
            Quality::Outline | Quality::Sketch => {
                let has_ground = self.ground.is_some() || self.ahead.has_ground();
                !has_ground && color::from_hex(color).l > PAPER
            }
            _ => false,
        }
    }

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
