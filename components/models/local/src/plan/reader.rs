//! Reads a prompt word by word. A clause ends at punctuation and "and"; within
//! one, words refer to each other: "much less red", "the background blurred".

mod ahead;
mod colors;
mod finish;
mod ground;
mod numbers;
mod part;
mod percent;
mod sizing;
mod state;
mod subject;
mod turning;

use super::edits::{
    Change, Edit, Ground, LEAST_CONTRAST, Pad, Plan, Quantize, Recolor, Replacement, Resize,
    Unused, Widened,
};
use crate::words::Term;
use ahead::Ahead;
use concept_refinement_vocabulary::{Meaning, Quality, Toward};
use sizing::Sizing;
use state::{Adjustment, Clause, Last, Modifiers, Replacing, Series};
use turning::Turning;

/// Behind a colour these mean all that has it.
const AREAS: [&str; 6] = ["area", "areas", "part", "parts", "region", "regions"];

/// Whether a word may stand with a colour where nothing else is said: "all the dark red areas".
/// A mark does not belong to the clause.
fn is_of_color(meaning: Option<Meaning>) -> bool {
    use Meaning::{Change, Color, Definite, Or, Shade, Stop, Whole};
    matches!(
        meaning,
        Some(Change(_) | Color(_) | Definite | Or | Shade | Stop | Whole)
    )
}

/// The state of reading.
#[derive(Default)]
pub struct Reader<'a> {
    ahead: Ahead<'a>,
    adjustments: Vec<Adjustment>,
    replacements: Vec<Replacement>,
    /// Changes of a colour, or towards one.
    altered: Vec<Edit>,
    colors: Vec<u32>,
    shade: Option<f32>,
    /// The strength of colours. None: not specified.
    tinge: Option<f32>,
    /// To how many colours to reduce.
    count: Option<u8>,
    /// Whether no other colours than those named are wanted.
    exact: bool,
    kept: Vec<(String, u32)>,
    excluded: Vec<(String, u32)>,
    ground: Option<Ground>,
    turning: Turning,
    sizing: Sizing,
    unused: Vec<Unused>,
    widened: Vec<Widened>,
    names_color: bool,
    modifiers: Modifiers,
    /// The changes of a word for lightness, which may become the shade of a colour.
    pending: Vec<Adjustment>,
    /// What the last word added, so that it can be undone.
    last: Option<Last>,
    /// Changes that a later degree may apply to: "blur it a lot".
    changed: std::ops::Range<usize>,
    replacing: Replacing,
    clause: Clause,
    /// Whether the word before was "the".
    is_definite: bool,
    /// The word before.
    previous: String,
    /// Whether the words before were "not the".
    is_after_not: bool,
    /// The colours named before it that may be changed along with the next one: "the red
    /// and the blue".
    listed: Vec<u32>,
    /// Whether the clause began with "but".
    is_but: bool,
    /// Whether the word before was "to", "at" or "to just".
    is_to: bool,
    /// Whether only words that may stand between a change and its percentage follow the
    /// last change.
    is_after_change: bool,
    series: Series,
    /// Those of the last colour.
    of_color: Modifiers,
    /// Whether the clause before was about the background.
    was_ground: bool,
}

impl<'a> Reader<'a> {
    /// Reads a word; `after` are those that follow.
    pub fn read(&mut self, Term { text, meaning }: Term, after: &'a [Term]) {
        self.ahead = Ahead(after);
        let meaning = self.meaning(&text, meaning);
        let word = text.clone();
        match meaning {
            Some(meaning) => self.known(text, meaning),
            None => {
                self.settle();
                self.clause.other = true;
                // "without a busy background" does not ask for no background.
                self.modifiers.not |= std::mem::take(&mut self.modifiers.without);
                // "more professional, in blue"
                self.modifiers.more = false;
                self.drop_ground();
                if std::mem::take(&mut self.modifiers.remove) {
                    self.undone("remove", &text);
                } else {
                    self.unknown(text);
                }
            }
        }
        self.clause.has_words |= !is_of_color(meaning);
        self.is_definite = matches!(meaning, Some(Meaning::Definite));
        self.clause.is_around = match meaning {
            Some(Meaning::Definite) => true,
            Some(Meaning::By | Meaning::Pad) => false,
            _ => word == "around" || (self.clause.is_around && word != "in"),
        };
        self.is_after_not = self.is_definite && self.previous == "not";
        self.is_but = word == "but" || (self.is_but && !matches!(meaning, Some(Meaning::Stop)));
        // "to just 80%"
        let is_about = matches!(word.as_str(), "just" | "only" | "around");
        self.is_to = matches!(word.as_str(), "to" | "at") || (self.is_to && is_about);
        self.is_after_change = match meaning {
            Some(Meaning::Change(_)) => self.clause.is_open_change,
            _ => self.is_after_change && percent::is_between(&word, meaning),
        };
        self.series = self.series.after(&word, meaning);
        self.previous = word;
    }

    /// What a word means here.
    fn meaning(&self, text: &str, meaning: Option<Meaning>) -> Option<Meaning> {
        // "turn down the brightness", "turn the brightness down"
        let is_verb = matches!(self.previous.as_str(), "turn" | "bring");
        let is_by = matches!(self.previous.as_str(), "by" | "in");
        let figure = match meaning {
            Some(Meaning::Figure(figure)) => figure,
            Some(Meaning::Number(number)) if self.ahead.is_end() => f32::from(number),
            _ => 0.0,
        };
        match meaning {
            // "contrast +10", "darker -20"
            _ if self.is_amount(text, figure) => Some(Meaning::Percent(figure / 100.0)),
            // "turn it left", "turn 45 degrees"
            Some(Meaning::Replace) if text.starts_with("turn") && self.ahead.is_turn() => {
                Some(Meaning::Rotate)
            }
            // "just navy and gold"
            Some(Meaning::Filler) if text == "just" && self.ahead.are_colors() => {
                Some(Meaning::Only)
            }
            // "the shadows", "darker shadows", but not "add shadows"
            Some(_) if text == "shadows" && (self.is_definite || !self.pending.is_empty()) => {
                Some(Meaning::Part)
            }
            // "crop the white margins"
            _ if matches!(text, "crop" | "cut" | "trim") && self.ahead.is_margin() => {
                Some(Meaning::Remove)
            }
            // "remove the excess margins"
            None if self.modifiers.remove
                && (matches!(text, "away" | "off") || self.ahead.is_margin()) =>
            {
                Some(Meaning::Filler)
            }
            // "reduce the saturation by half"
            Some(Meaning::Share(part)) if part < 1.0 && self.is_after_change && is_by => {
                Some(Meaning::Percent(part))
            }
            // "change the white margins to black"
            Some(Meaning::Pad)
                if matches!(self.replacing, Replacing::Asked) && self.ahead.becomes_color() =>
            {
                Some(Meaning::Part)
            }
            // "the top half"
            Some(Meaning::Share(_)) if !self.ahead.is_compared() => None,
            // "the green areas"
            None if self.series == Series::Color && AREAS.contains(&text) => Some(Meaning::Shade),
            // "cool it down"
            None if text == "down" && self.is_after_change && self.clause.falls => {
                Some(Meaning::Filler)
            }
            None if text == "zero" && self.is_after_change => Some(Meaning::Figure(0.0)),
            None if matches!(text, "drop" | "cut") => self.ahead.dropped(),
            None if text == "leave" && !self.is_definite => Some(self.ahead.left()),
            None if text == "down" && (is_verb || self.is_after_change) => Some(Meaning::Reverse),
            meaning => meaning,
        }
    }

    /// Whether a mark connects the last change with its amount, which follows.
    fn is_before_amount(&self, mark: &str) -> bool {
        matches!(mark, ":" | "(") && self.is_after_change && self.ahead.is_amount(mark)
    }

    fn known(&mut self, text: String, meaning: Meaning) {
        self.clause.subject.goes_on(meaning);
        match meaning {
            Meaning::Change(changes) => self.change(text, changes),
            Meaning::Color(color) => self.color(text, color),
            Meaning::Rotate
            | Meaning::Tilt
            | Meaning::Flip
            | Meaning::Crop
            | Meaning::MakeSquare
            | Meaning::MakeCircle => self.turn(text, meaning),
            Meaning::Toward(toward) => self.toward(text, toward),
            Meaning::Scale(_) | Meaning::Enlarge | Meaning::Resize | Meaning::Pad => {
                self.resize(text, meaning);
            }
            Meaning::Times(_) | Meaning::Size(..) | Meaning::Ratio(..) => {
                self.measure(&text, meaning);
            }
            Meaning::Percent(percent) => self.percent(text, percent),
            Meaning::Share(part) => self.share(text, part),
            // "saturation to 0"
            Meaning::Figure(0.0) if self.is_after_change && self.is_saturation() => {
                self.is_to = true;
                self.percent(text, 0.0);
            }
            Meaning::Figure(figure) => self.figure(text, figure),
            Meaning::Degree(factor) => {
                self.settle();
                self.modifiers.degree = (self.modifiers.degree * factor).clamp(0.25, 2.0);
            }
            Meaning::Reverse => {
                self.clause.is_too |= text == "too";
                // "brightness: low"
                let is_low = text == "low" && self.previous == ":";
                self.clause.is_lowered = is_low || percent::is_lower(&text);
                self.modify(meaning);
            }
            Meaning::More | Meaning::Not | Meaning::Without | Meaning::Remove | Meaning::Keep => {
                self.modify(meaning)
            }
            Meaning::Whole => self.whole(&text),
            Meaning::Only => {
                self.clause.only = true;
                // "navy and gold only", but not "the red only slightly"
                self.exact |= self.series == Series::Color && self.ahead.is_end();
            }
            Meaning::Replace if self.modifiers.refusal().is_some() => {
                self.modifiers = Modifiers {
                    keep: true,
                    ..Modifiers::default()
                };
                self.replacing = Replacing::Refused;
            }
            // "remove the background from the red logo"
            Meaning::Replace if text == "from" && self.clause.has_ground => self.settle(),
            Meaning::Replace => {
                self.settle();
                self.clause.is_replace = text.starts_with("replac");
                self.replacing = Replacing::Asked;
            }
            Meaning::Swap => {
                self.settle();
                self.replacing = Replacing::Swap;
            }
            Meaning::Instead => self.instead(),
            Meaning::By => self.by(&text),
            Meaning::On => {
                self.settle();
                self.clause.is_on = true;
            }
            Meaning::Part => self.part(text, false),
            Meaning::Background => self.background(text),
            Meaning::SolidBackground => self.solid_background(text),
            Meaning::Number(number) => self.number(text, number),
            Meaning::ColorWord => self.number_of_colors(&text),
            Meaning::Duotone => self.duotone(&text),
            Meaning::BlackAndWhite => self.black_and_white(text),
            Meaning::Vague => self.unknown(text),
            // "only these: navy and gold"
            Meaning::Stop if text == ":" && self.clause.only => self.settle(),
            // "background: blue"
            Meaning::Stop if text == ":" && self.clause.part.is_some() => self.settle(),
            // "padding: white"
            Meaning::Stop if text == ":" && self.sizing.pads() && self.ahead.is_color() => {
                self.settle();
            }
            // "brightness: -20%", "brightness (-20%)"
            Meaning::Stop if self.is_before_amount(&text) => self.settle(),
            Meaning::Stop => self.stop(),
            Meaning::Or => {
                let negated = self.clause.negated;
                self.stop();
                self.modifiers.not = negated;
            }
            Meaning::Filler => {
                let rises = ["increas", "rais", "boost"];
                self.clause.rises |= rises.iter().any(|word| text.starts_with(word));
            }
            Meaning::Shade | Meaning::Definite => {}
        }
    }

    fn modify(&mut self, meaning: Meaning) {
        self.settle();
        let modifiers = &mut self.modifiers;
        modifiers.reverse |= meaning == Meaning::Reverse;
        modifiers.more |= meaning == Meaning::More;
        modifiers.not |= meaning == Meaning::Not;
        modifiers.without |= matches!(meaning, Meaning::Without | Meaning::Remove);
        modifiers.remove |= meaning == Meaning::Remove;
        modifiers.keep |= meaning == Meaning::Keep;
    }

    fn change(&mut self, text: String, changes: &[(Quality, f32)]) {
        // "remove the dark background"
        if self.ahead.is_background() && self.modifiers.remove && !self.modifiers.not {
            return;
        }
        // "from dark mode to light mode": what the picture is.
        if self.previous == "from" && self.ahead.is_by() {
            return;
        }
        // "keep the dark blue": the shade only says which one.
        let is_shade = changes
            .iter()
            .all(|(quality, _)| matches!(quality, Quality::Lightness | Quality::Saturation));
        let is_of_color = self.modifiers.keep || self.modifiers.without;
        if is_shade && is_of_color && self.ahead.is_color() {
            return;
        }
        self.settle();
        self.clause.is_open_change = false;
        // "don't make the red darker"
        if self.clause.negated && self.series == Series::Color {
            self.unwanted("not", &text);
            return;
        }
        let modifiers = std::mem::take(&mut self.modifiers);
        let possible = changes
            .iter()
            .all(|(quality, _)| !modifiers.reverse || quality.can_be_less());
        if self.refused(modifiers, &text) {
            return;
        }
        // "blue shadow", but not "shadow dark blue"
        let before = &self.previous;
        let is_before = |color: &mut String| color == before && !self.ahead.is_color();
        if let Some(color) = self.clause.drawn.take_if(is_before) {
            self.undone(&color, &text);
            return;
        }
        let color = self.ahead.own_color();
        if color.is_some_and(|color| self.draws(changes, color)) {
            self.clause.drawn = Some(text);
            return;
        }
        if !possible {
            self.undone("less", &text);
            return;
        }
        if !self.heeds_percent(modifiers, changes, &text) {
            return;
        }
        let adjustment = |(quality, own): &(Quality, f32)| Adjustment {
            quality: *quality,
            own: *own,
            amount: modifiers.amount(*quality, *own),
            percent: modifiers.percent,
            text: text.clone(),
        };
        let changes: Vec<_> = changes.iter().map(adjustment).collect();
        let of = |wanted| changes.iter().any(|change| change.quality == wanted);
        // "change the background to transparent": what follows replaces nothing.
        if text.ends_with("to transparent") && matches!(self.replacing, Replacing::Asked) {
            self.replacing = Replacing::No;
        }
        let part = self.clause.part.as_ref();
        let is_of_ground = part.is_some_and(|part| part.is_background);
        if of(Quality::Transparency) && (is_of_ground || self.clause.has_ground) {
            // "make the white background transparent"
            self.clause.part = None;
            self.clause.has_ground = true;
            self.ground = None;
        } else if of(Quality::Lightness) && is_of_ground && self.ahead.is_color() {
            // "make the background light blue"
            self.pending = changes;
            return;
        } else if self.shades_ground(&changes) || self.is_of_part(&text) {
            return;
        }
        if of(Quality::Tightness) && !self.turning.tighten() {
            // "don't crop it tighter"
            self.unwanted("not", &text);
            return;
        }
        self.end_percent(&changes);
        if self.alters(&changes) {
            return;
        }
        self.clause.is_open_change = modifiers.percent.is_none();
        let falling = ["cool", "dim", "mut"];
        self.clause.falls = falling.iter().any(|verb| text.starts_with(verb));
        if of(Quality::Lightness) {
            self.pending = changes;
        } else {
            self.adjust(changes);
        }
    }

    fn adjust_one(&mut self, text: String, quality: Quality) {
        self.adjust(vec![Adjustment::whole(quality, text)]);
    }

    /// Makes the changes of a word.
    fn adjust(&mut self, changes: Vec<Adjustment>) {
        let text = changes.first().map(|change| change.text.clone());
        self.last = text.map(|text| self.before(text));
        self.clause.changes = true;
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

    fn undone(&mut self, why: &str, text: &str) {
        self.unused.push(Unused::Undone(format!("{why} {text}")));
    }

    fn unwanted(&mut self, why: &str, text: &str) {
        self.unused.push(Unused::Unwanted(format!("{why} {text}")));
    }

    /// Whether the change must not be made, or is to be taken from the picture, which is
    /// not possible.
    fn refused(&mut self, modifiers: Modifiers, text: &str) -> bool {
        self.clause.negated = modifiers.not || modifiers.without;
        let why = modifiers.refusal();
        match why {
            Some(_) if modifiers.remove => self.undone("remove", text),
            Some(why) => self.unwanted(why, text),
            None => {}
        }
        why.is_some()
    }

    /// Takes the pending lightness as a shade, and applies other pending
    /// changes.
    fn take_shade(&mut self) -> Option<f32> {
        let mut shade = None;
        for change in std::mem::take(&mut self.pending) {
            if change.quality == Quality::Lightness {
                shade = Some(change.amount);
            } else {
                self.adjustments.push(change);
            }
        }
        shade
    }

    fn turn(&mut self, text: String, meaning: Meaning) {
        self.settle();
        let modifiers = std::mem::take(&mut self.modifiers);
        if self.refused(modifiers, &text) {
            self.turning.refuse();
        } else if !self.is_of_part(&text) {
            // "5 degrees to the left"
            self.end_number();
            let unused = self.turning.start(text, meaning, modifiers.degree);
            self.unused.extend(unused);
        }
    }

    fn toward(&mut self, text: String, toward: Toward) {
        self.settle();
        if let Some(why) = self.modifiers.refusal() {
            self.unwanted(why, &text);
        } else {
            self.unused.extend(self.turning.toward(text, toward));
        }
    }

    fn resize(&mut self, text: String, meaning: Meaning) {
        self.settle();
        let modifiers = std::mem::take(&mut self.modifiers);
        if meaning == Meaning::Pad && modifiers.remove && !modifiers.not {
            self.adjust_one(text, Quality::Tightness);
        } else if !self.refused(modifiers, &text) && !self.is_of_part(&text) {
            self.clause.other = true;
            let degree = modifiers.degree;
            // "-20% scale": the sign is the percentage's own.
            let is_signed = modifiers.percent.is_some_and(|percent| percent.said < 0.0);
            let reverse = modifiers.reverse && !is_signed;
            let unused = self.sizing.start(text, meaning, degree, reverse);
            self.unused.extend(unused.map(Unused::Undone));
        }
    }

    /// Applies a pending lightness to the whole image.
    fn settle(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            self.adjust(pending);
        }
        self.last = None;
    }

    /// The end of a clause.
    fn stop(&mut self) {
        self.settle();
        self.end_part();
        self.end_ground();
        self.end_number();
        let is_alone = self.asked() <= self.clause.begun;
        let has_size = self.sizing.has_action();
        self.sizing
            .stop(is_alone, &mut self.turning, &mut self.unused);
        self.stop_amounts(has_size);
        let mut clause = std::mem::take(&mut self.clause);
        if let Replacing::Refused = self.replacing {
            self.replacing = Replacing::No;
        }
        self.unused.extend(self.turning.stop());
        // "make the red logo bigger": the colour only says which one.
        let has_named = clause.named.is_some() && clause.named.as_ref() == self.colors.last();
        let is_all = self.asked() <= clause.begun + 1;
        if has_named && !clause.is_bare && (!is_all || self.is_but) {
            let color = self.colors.pop();
            let name = clause.colors.pop();
            // "everything in grey, but the red"
            self.kept.extend(name.zip(color).filter(|_| is_all));
        }
        self.was_ground = clause.has_ground;
        self.end_subject(clause);
    }

    /// Amounts at the end of a clause are of the last changes: "blur it a lot", "lighter,
    /// but only a bit", "brightness lower".
    fn stop_amounts(&mut self, has_size: bool) {
        let modifiers = std::mem::take(&mut self.modifiers);
        let (degree, reverse) = (modifiers.degree, modifiers.reverse);
        let is_of_last = !self.clause.other;
        // "the contrast is too strong", but not "darker too"
        let is_too = self.clause.is_too && degree != 1.0;
        // "the contrast is weak" complains.
        let is_reversed = reverse && (self.clause.is_lowered || is_too);
        if modifiers.percent.is_some() {
            self.later_percent(modifiers, is_of_last, has_size);
        } else if is_of_last && is_reversed && self.clause.changes {
            self.reverse_last(degree);
        } else if is_of_last && degree != 1.0 && !reverse && !self.turning.slightly(degree) {
            let changes = self.adjustments.get_mut(self.changed.clone());
            for adjustment in changes.into_iter().flatten() {
                adjustment.amount *= degree;
            }
        }
        if degree != 1.0 || self.clause.other {
            self.changed = 0..0;
        }
    }
}
