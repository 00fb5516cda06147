//! From a prompt to the edits that it asks for.
//!
//! Words combine; the order of the edits is the vocabulary's, so that the same
//! words ask for the same in whatever order they are written. What is not
//! understood is left out and reported, never guessed.

use crate::vocabulary::{Meaning, Quality};
use crate::words::{Term, terms};

#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// More (above 0) or less of a quality; 1 is what the plain word asks for.
    Adjust(Quality, f32),
    Recolor(Recolor),
}

/// Into shades of some colours, each an sRGB `0xRRGGBB`.
#[derive(Clone, Debug, PartialEq)]
pub struct Recolor {
    /// Only what is about this colour. None: everything that has colour.
    pub from: Option<u32>,
    /// One at least; several go from the dark to the light parts.
    pub to: Vec<u32>,
    /// Lighter (above 0) or darker shades than the colours themselves.
    pub shade: f32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order in which they are made.
    pub edits: Vec<Edit>,
    /// Words and phrases that nothing was done about, in lower case.
    pub ignored: Vec<String>,
}

impl Plan {
    pub fn of(prompt: &str) -> Self {
        let mut reader = Reader::default();
        for term in terms(prompt) {
            reader.read(term);
        }
        reader.finish()
    }
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    adjustments: Vec<(Quality, f32)>,
    replacements: Vec<Recolor>,
    colors: Vec<u32>,
    shade: Option<f32>,
    ignored: Vec<String>,
    modifiers: Modifiers,
    /// A change of lightness that may turn out to be the shade of a colour.
    pending: Option<Pending>,
    /// What the last word added, so that it can be taken back.
    last: Option<Last>,
    replacing: Replacing,
}

/// What the words before say of the next change.
struct Modifiers {
    degree: f32,
    reverse: bool,
    not: bool,
    keep: bool,
}

impl Default for Modifiers {
    fn default() -> Self {
        Self {
            degree: 1.0,
            reverse: false,
            not: false,
            keep: false,
        }
    }
}

struct Pending {
    text: String,
    changes: Vec<(Quality, f32)>,
}

enum Last {
    Adjustments(String, usize),
    Color(String),
}

/// How far "replace red by blue" was read.
#[derive(Default)]
enum Replacing {
    #[default]
    No,
    /// "replace"
    Asked,
    /// "replace red"
    From(u32),
    /// "replace red by"
    By(u32),
}

impl Reader {
    fn read(&mut self, Term { text, meaning }: Term) {
        let Some(meaning) = meaning else {
            self.settle();
            self.ignored.push(text);
            return;
        };
        match meaning {
            Meaning::Change(changes) => self.change(text, changes),
            Meaning::Color(color) => self.color(text, color),
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
            Meaning::Keep => {
                self.settle();
                self.modifiers.keep = true;
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
            Meaning::Part => self.part(text),
            Meaning::Stop => {
                self.settle();
                self.modifiers = Modifiers::default();
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
        if modifiers.not || !possible {
            let negation = if modifiers.not { "not" } else { "less" };
            self.ignored.push(format!("{negation} {text}"));
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
        let of_lightness = changes
            .iter()
            .any(|(quality, _)| *quality == Quality::Lightness);
        if of_lightness {
            self.pending = Some(Pending { text, changes });
        } else {
            self.last = Some(Last::Adjustments(text, self.adjustments.len()));
            self.adjustments.extend(changes);
        }
    }

    fn color(&mut self, text: String, color: u32) {
        let modifiers = std::mem::take(&mut self.modifiers);
        if modifiers.not || modifiers.keep || modifiers.reverse {
            self.settle();
            self.ignored.push(text);
            return;
        }
        if let Replacing::Asked = self.replacing {
            self.settle();
            self.replacing = Replacing::From(color);
            return;
        }
        let shade = self.take_shade();
        if let Replacing::By(from) = self.replacing {
            self.replacing = Replacing::No;
            self.replacements.push(Recolor {
                from: Some(from),
                to: vec![color],
                shade: shade.unwrap_or(0.0),
            });
            return;
        }
        self.shade = shade.or(self.shade);
        if !self.colors.contains(&color) {
            self.last = Some(Last::Color(text));
            self.colors.push(color);
        }
    }

    /// The pending lightness as a shade; what else came with it is adjusted.
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

    /// What was said of a part alone cannot be done.
    fn part(&mut self, part: String) {
        let said = if let Some(pending) = self.pending.take() {
            Some(pending.text)
        } else {
            match self.last.take() {
                Some(Last::Adjustments(text, length)) => {
                    self.adjustments.truncate(length);
                    Some(text)
                }
                Some(Last::Color(text)) => {
                    self.colors.pop();
                    Some(text)
                }
                None => None,
            }
        };
        self.ignored.push(match said {
            Some(said) => format!("{said} {part}"),
            None => part,
        });
        self.modifiers = Modifiers::default();
    }

    /// A pending lightness is one of the whole image after all.
    fn settle(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.adjustments.extend(pending.changes);
        }
        self.last = None;
    }

    fn finish(mut self) -> Plan {
        self.settle();
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
            });
        }

        let mut adjustments: Vec<(Quality, f32)> = Vec::new();
        for (quality, amount) in self.adjustments {
            match adjustments.iter_mut().find(|(known, _)| *known == quality) {
                // Said twice is not twice as much; the last word of two that
                // contradict each other counts.
                Some((_, known)) if known.signum() == amount.signum() => {
                    *known = known.abs().max(amount.abs()).copysign(amount);
                }
                Some((_, known)) => *known = amount,
                None => adjustments.push((quality, amount)),
            }
        }
        adjustments.sort_by_key(|(quality, _)| *quality);

        let after = adjustments.partition_point(|(quality, _)| *quality < Quality::Temperature);
        let mut edits: Vec<_> = adjustments
            .into_iter()
            .map(|(quality, amount)| Edit::Adjust(quality, amount))
            .collect();
        edits.splice(after..after, recolors.into_iter().map(Edit::Recolor));
        Plan {
            edits,
            ignored: self.ignored,
        }
    }
}

#[cfg(test)]
mod tests;
