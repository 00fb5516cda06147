//! Reads colours: what is recoloured, replaced, swapped, kept or left out.

use super::state::{Adjustment, Modifiers, Replacing, Series};
use super::{Edit, Quality, Reader, Replacement};
use crate::color;
use crate::survey::NEUTRAL;

impl Reader<'_> {
    pub(super) fn color(&mut self, text: String, color: u32) {
        // "remove the white background"
        if self.ahead.is_background() && self.modifiers.without && !self.modifiers.not {
            return;
        }
        if self.is_of_padding(color) || self.is_of_drawing(&text, color) {
            return;
        }
        self.names_color = true;
        self.clause.other = true;
        let modifiers = self.color_modifiers();
        self.clause.negated = modifiers.not || modifiers.without;
        if self.is_left_out(modifiers, &text, color) {
            return;
        }
        // "make the background less white"
        if modifiers.reverse && self.is_of_part(&format!("less {text}")) {
            return;
        }
        if self.is_of_ground(&text, color) || self.is_of_part(&text) {
            return;
        }
        if modifiers.reverse || modifiers.more {
            self.settle();
            // White, grey and black are no direction that colours could go.
            if color::from_hex(color).chroma < NEUTRAL {
                let why = if modifiers.reverse { "less" } else { "more" };
                self.undone(why, &text);
                return;
            }
            let amount = modifiers
                .degree
                .copysign(if modifiers.reverse { -1.0 } else { 1.0 });
            self.altered.push(Edit::Shift(color, amount));
            return;
        }
        // "darken the red"
        if self.is_definite && !self.pending.is_empty() {
            let of = |change: Adjustment| Edit::Alter(color, change.quality, change.amount);
            self.altered.extend(self.pending.drain(..).map(of));
            return;
        }
        if let Some(to) = modifiers.instead {
            self.settle();
            self.replace(color, to, modifiers.degree);
            return;
        }
        let is_listed = matches!(self.series, Series::Comma | Series::And);
        match std::mem::take(&mut self.replacing) {
            Replacing::Asked => {
                let shade = self.take_shade().unwrap_or_default();
                self.settle();
                self.clause.has_from = true;
                self.replacing = Replacing::From(vec![color], shade);
            }
            // "replace red and green with blue"
            Replacing::From(mut from, shade) if is_listed => {
                self.settle();
                from.push(color);
                self.clause.has_from = true;
                self.replacing = Replacing::From(from, shade);
            }
            // "turn the red blue"
            Replacing::From(from, _) if self.clause.has_from => {
                self.replace_each(&from, color, modifiers.degree);
            }
            Replacing::InsteadOf => self.replacing = Replacing::By(vec![color]),
            // "instead of red and green, blue"
            Replacing::By(mut from) if self.series == Series::And => {
                from.push(color);
                self.replacing = Replacing::By(from);
            }
            Replacing::Swap => {
                self.settle();
                self.replacing = Replacing::SwapWith(color);
            }
            Replacing::SwapWith(other) => {
                self.settle();
                self.replace(other, color, modifiers.degree);
                self.replace(color, other, modifiers.degree);
            }
            Replacing::By(from) => self.replace_each(&from, color, modifiers.degree),
            Replacing::Instead(to) => {
                self.settle();
                self.replace(color, to, modifiers.degree);
                self.of_color.instead = Some(to);
            }
            other => {
                self.replacing = other;
                self.recolor(text, color, modifiers);
            }
        }
    }

    /// The modifiers of a colour, which may be those of the one before: "keep the red and
    /// blue".
    fn color_modifiers(&mut self) -> Modifiers {
        let own = std::mem::take(&mut self.modifiers);
        let is_listed = match self.series {
            Series::And => true,
            Series::Comma => self.of_color.keep,
            Series::No | Series::Color => false,
        };
        if !is_listed || self.ahead.is_background() || own != Modifiers::default() {
            self.of_color = own;
        }
        self.of_color
    }

    fn recolor(&mut self, text: String, color: u32, modifiers: Modifiers) {
        // "make the red blue"
        if let Some(from) = self.clause.named.take()
            && self.colors.last() == Some(&from)
        {
            let from = self.take_listed(from);
            self.replace_each(&from, color, modifiers.degree);
            return;
        }
        let before = self.before(text.clone());
        let shade = self.take_shade();
        self.name(color, shade);
        self.last = Some(before);
        self.shade = shade.or(self.shade);
        let tinge = modifiers.degree.min(1.0);
        self.tinge = Some(self.tinge.map_or(tinge, |stronger| stronger.max(tinge)));
        self.clause.colors.push(text);
        self.exact |= self.clause.only;
        if !self.colors.contains(&color) {
            self.colors.push(color);
        }
    }

    /// Whether the colour is one to keep, or one that is not wanted.
    fn is_left_out(&mut self, modifiers: Modifiers, text: &str, color: u32) -> bool {
        let is_kept = modifiers.keep || matches!(self.replacing, Replacing::Refused);
        if !(is_kept || modifiers.remove || modifiers.not || modifiers.without) {
            return false;
        }
        self.settle();
        if is_kept {
            self.kept.push((text.to_owned(), color));
        } else if modifiers.remove {
            self.undone("remove", text);
        } else if modifiers.not && self.is_definite && self.is_excepted() {
            // "invert, but not the red"
            self.kept.push((text.to_owned(), color));
        } else if modifiers.not && self.colors.len() == 1 && !self.exact {
            // "in blue, not red"
            if let Some(to) = self.take_color() {
                self.replace(color, to, 1.0);
            }
        } else {
            self.excluded.push((text.to_owned(), color));
        }
        true
    }

    /// Whether "the" stands in an exception: "invert, not the red", and not "I don't like the
    /// red".
    fn is_excepted(&self) -> bool {
        self.is_but || (self.is_after_not && self.colors.is_empty())
    }

    fn replace(&mut self, from: u32, to: u32, degree: f32) {
        self.replace_each(&[from], to, degree);
    }

    fn replace_each(&mut self, from: &[u32], to: u32, degree: f32) {
        let shade = self.take_shade().or(self.shade.take());
        self.clause.replaces = true;
        let pairs = from.iter().map(|from| Replacement {
            from: *from,
            to,
            shade: shade.unwrap_or(0.0),
            amount: degree.min(1.0),
        });
        self.replacements.extend(pairs);
    }

    /// Between a colour and its replacement.
    pub(super) fn by(&mut self, text: &str) {
        let is_whole = match text {
            "with" | "by" => false,
            // "red to green", but not "a red to green gradient"
            "to" | "into" => self.ahead.is_last_color(),
            _ => self.ahead.is_color(),
        };
        let is_alone = is_whole && !self.clause.has_words && self.colors.len() == 1;
        // "turn red to green, blue to yellow"
        let is_next = self.clause.colors.len() == 1 && !self.replacements.is_empty();
        let is_pair = self.series == Series::Color && (is_alone || is_next);
        self.settle();
        self.replacing = match std::mem::take(&mut self.replacing) {
            Replacing::From(from, _) => Replacing::By(from),
            // "change the logo to blue"
            Replacing::Asked => Replacing::No,
            Replacing::No if is_pair => {
                // "dark red to blue"
                self.shade = None;
                let from = self.take_color();
                from.map_or(Replacing::No, |from| Replacing::By(vec![from]))
            }
            other => other,
        };
    }

    /// "it", "everything"
    pub(super) fn whole(&mut self, text: &str) {
        self.modifiers.keep = false;
        // "turn it blue" replaces no colour.
        if text == "it" && matches!(self.replacing, Replacing::Asked) {
            self.replacing = Replacing::No;
            // "remove the background and replace it with white"
            self.clause.is_on = self.was_ground && self.clause.is_replace;
        }
    }

    /// "blue instead of red", "instead of red, blue"
    pub(super) fn instead(&mut self) {
        self.settle();
        match self.take_color() {
            Some(to) => self.replacing = Replacing::Instead(to),
            // "lighter instead of darker"
            None if self.clause.other || self.asked() > self.clause.begun => {
                self.modifiers.not = true;
            }
            None => self.replacing = Replacing::InsteadOf,
        }
    }

    /// Takes back the colour that was named last.
    fn take_color(&mut self) -> Option<u32> {
        self.clause.colors.pop();
        self.colors.pop()
    }

    /// Whether the colour may be changed alone: "the red", "make red", or the next one of
    /// such a list.
    fn name(&mut self, color: u32, shade: Option<f32>) {
        let is_listed = matches!(self.series, Series::Comma | Series::And);
        if !is_listed {
            self.listed.clear();
        }
        // "make red pink and blue cyan"
        let is_pair = is_listed && !self.replacements.is_empty() && self.ahead.is_color();
        let is_next = is_pair || !self.listed.is_empty();
        self.clause.is_bare = !self.is_definite;
        // "white to transparent"
        let is_from = self
            .ahead
            .0
            .first()
            .is_some_and(|term| term.text.ends_with("to transparent"));
        let is_alone = self.is_definite || self.previous == "make" || is_from;
        self.clause.named = (is_alone || is_next)
            .then_some(color)
            .filter(|_| shade.is_none());
        match self.clause.named {
            Some(color) => self.listed.push(color),
            None => self.listed.clear(),
        }
    }

    /// Takes back the colour that was named, and those of its list.
    fn take_listed(&mut self, named: u32) -> Vec<u32> {
        let mut listed = std::mem::take(&mut self.listed);
        if !listed.contains(&named) {
            listed = vec![named];
        }
        if self.colors.last() == Some(&named) {
            self.clause.colors.pop();
        }
        self.colors.retain(|color| !listed.contains(color));
        listed
    }

    /// "make the red darker": whether the changes are of that colour alone.
    pub(super) fn alters(&mut self, changes: &[Adjustment]) -> bool {
        // "make the red dark blue"
        if self.ahead.is_color() {
            return false;
        }
        // Of "the red logo" the colour only says which one.
        let is_next = self.series == Series::Color;
        let is_possible = |change: &Adjustment| match change.quality {
            Quality::Lightness | Quality::Saturation => true,
            Quality::Temperature | Quality::Contrast | Quality::Monochrome => is_next,
            Quality::Sepia | Quality::Transparency => is_next,
            _ => false,
        };
        if !changes.iter().all(is_possible) {
            return false;
        }
        let colors = match (std::mem::take(&mut self.replacing), self.clause.named) {
            // "turn the red darker"
            (Replacing::From(colors, 0.0), _) if is_next && self.clause.has_from => colors,
            (replacing, named) => {
                self.replacing = replacing;
                named.map_or_else(Vec::new, |named| self.take_listed(named))
            }
        };
        for color in &colors {
            let of = |change: &Adjustment| Edit::Alter(*color, change.quality, change.amount);
            self.altered.extend(changes.iter().map(of));
        }
        !colors.is_empty()
    }
}
