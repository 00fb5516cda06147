//! The reader's state between words.

use super::Ground;
use super::percent::is_whole;
use super::subject::Subject;
use concept_refinement_vocabulary::{Meaning, Quality};

/// Modifiers for the next change.
#[derive(Clone, Copy, PartialEq)]
pub struct Modifiers {
    pub degree: f32,
    pub reverse: bool,
    pub not: bool,
    pub without: bool,
    pub keep: bool,
    pub more: bool,
    /// What is not wanted is something that the picture has.
    pub remove: bool,
    /// How much in per cent, instead of the degree.
    pub percent: Option<Percent>,
    /// The colour that replaces the next one.
    pub instead: Option<u32>,
}

impl Default for Modifiers {
    fn default() -> Self {
        Self {
            degree: 1.0,
            reverse: false,
            not: false,
            without: false,
            keep: false,
            more: false,
            remove: false,
            percent: None,
            instead: None,
        }
    }
}

impl Modifiers {
    /// Why the change must not be made, if there is a reason.
    pub fn refusal(self) -> Option<&'static str> {
        if self.not || self.without {
            Some("not")
        } else if self.keep {
            Some("keep")
        } else {
            None
        }
    }
}

/// "20%", "to 80%"
#[derive(Clone, Copy, PartialEq)]
pub struct Percent {
    /// As said: 0.2 or 0.8.
    pub said: f32,
    /// It stands after "to" or "at".
    pub is_target: bool,
}

impl Percent {
    /// Whether it says how much is left of a quality that the picture has ("brightness to
    /// 80%"), and not how much is added ("sepia at 80%"); `own` is what the plain word asks
    /// for.
    pub fn is_level(self, quality: Quality, own: f32) -> bool {
        self.is_target && own > 0.0 && quality.can_be_less() && !is_whole(quality)
    }

    /// By how much a quality changes.
    pub fn by(self, quality: Quality, own: f32) -> f32 {
        if self.is_level(quality, own) {
            self.said - 1.0
        } else {
            self.said
        }
    }
}

/// A change of a quality, and the words for it.
pub struct Adjustment {
    pub quality: Quality,
    /// What the plain word asks for.
    pub own: f32,
    pub amount: f32,
    /// What the amount was taken from, if it was said in per cent.
    pub percent: Option<Percent>,
    pub text: String,
}

impl Adjustment {
    /// Of a word that asks for all of it.
    pub fn whole(quality: Quality, text: String) -> Self {
        Self {
            quality,
            own: 1.0,
            amount: 1.0,
            percent: None,
            text,
        }
    }
}

/// The state before the last word.
pub struct Last {
    pub text: String,
    pub adjustments: usize,
    pub colors: usize,
    pub shade: Option<f32>,
}

/// What stands before a word, where that is a list of colours.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Series {
    #[default]
    No,
    /// "red"
    Color,
    /// "red,"
    Comma,
    /// "red and"
    And,
}

impl Series {
    pub fn after(self, text: &str, meaning: Option<Meaning>) -> Self {
        match (meaning, text) {
            (Some(Meaning::Color(_)), _) => Self::Color,
            (Some(Meaning::Definite), _) => self,
            // "the green areas", "the red colour"
            (Some(Meaning::Shade | Meaning::ColorWord), _) if self == Self::Color => self,
            // "the red a bit warmer"
            (Some(Meaning::Degree(_) | Meaning::Percent(_)), _) if self == Self::Color => self,
            (Some(Meaning::More | Meaning::Reverse), _) if self == Self::Color => self,
            (Some(Meaning::Stop), ",") if self == Self::Color => Self::Comma,
            (Some(Meaning::Stop), "and" | "&") if self != Self::No => Self::And,
            _ => Self::No,
        }
    }
}

/// The state of reading "replace red by blue".
#[derive(Default)]
pub enum Replacing {
    #[default]
    No,
    /// "don't replace"
    Refused,
    /// "replace"
    Asked,
    /// "replace red", or a shade of it
    From(Vec<u32>, f32),
    /// "replace red by"
    By(Vec<u32>),
    /// "swap"
    Swap,
    /// "swap red"
    SwapWith(u32),
    /// "instead of", before any colour
    InsteadOf,
    /// "blue instead of"
    Instead(u32),
}

/// The state of the current clause.
#[derive(Default)]
pub struct Clause {
    /// The part of the picture that it starts with.
    pub part: Option<Part>,
    /// It has words besides colours and what they are like: "*make* the dark blue".
    pub has_words: bool,
    /// Something unwanted was named.
    pub negated: bool,
    /// A degree can no longer refer to a single change.
    pub other: bool,
    /// The percentage that was read last.
    pub percent: Option<String>,
    /// It says "increase".
    pub rises: bool,
    /// It says "too".
    pub is_too: bool,
    /// Its last word that reverses may stand after a change: "lower".
    pub is_lowered: bool,
    /// It changes a quality.
    pub changes: bool,
    /// The amount of the last change may follow.
    pub is_open_change: bool,
    /// Its last change is a verb for less, which "down" does not reverse: "cool".
    pub falls: bool,
    /// A number that may count colours.
    pub number: Option<(String, u8)>,
    pub subject: Subject,
    /// The colours that it asks for, as written.
    pub colors: Vec<String>,
    /// The colour that was named after "the" or "make", and may be changed alone.
    pub named: Option<u32>,
    /// It has no article: "make blue darker".
    pub is_bare: bool,
    /// After "only".
    pub only: bool,
    /// After "on".
    pub is_on: bool,
    /// The colour after "on".
    pub on: Option<(String, Ground)>,
    /// It is about the background.
    pub has_ground: bool,
    /// It goes on with what has padding around it, and no longer with the padding.
    pub is_around: bool,
    /// What has a colour that it cannot have, or that colour: "a blue *shadow*".
    pub drawn: Option<String>,
    /// It says "replace", rather than "turn" or "change".
    pub is_replace: bool,
    /// The colours to replace were named in it.
    pub has_from: bool,
    /// It replaces one colour by another.
    pub replaces: bool,
    /// How much had been asked for before it.
    pub begun: usize,
}

pub struct Part {
    pub name: String,
    pub is_background: bool,
    /// Whether an edit of the part was named.
    pub said: bool,
}
