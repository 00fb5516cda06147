//! The reader's state between words.

use super::Ground;
use super::subject::Subject;
use concept_refinement_vocabulary::Quality;

/// Modifiers for the next change.
#[derive(Clone, Copy)]
pub struct Modifiers {
    pub degree: f32,
    pub reverse: bool,
    pub not: bool,
    pub without: bool,
    pub keep: bool,
    pub more: bool,
    /// What is not wanted is something that the picture has.
    pub remove: bool,
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

/// A change of a quality, and the words for it.
pub struct Adjustment {
    pub quality: Quality,
    pub amount: f32,
    pub text: String,
}

pub struct Pending {
    pub text: String,
    pub changes: Vec<(Quality, f32)>,
}

/// The state before the last word.
pub struct Last {
    pub text: String,
    pub adjustments: usize,
    pub colors: usize,
    pub shade: Option<f32>,
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
    /// "replace red"
    From(u32),
    /// "replace red by"
    By(u32),
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
    /// Something unwanted was named.
    pub negated: bool,
    /// A degree can no longer refer to a single change.
    pub other: bool,
    /// A number that may count colours.
    pub number: Option<(String, u8)>,
    pub subject: Subject,
    /// The colours that it asks for, as written.
    pub colors: Vec<String>,
    /// The colour that was named after "the", and may be changed alone.
    pub named: Option<u32>,
    /// After "only".
    pub only: bool,
    /// After "on".
    pub is_on: bool,
    /// The colour after "on".
    pub on: Option<(String, Ground)>,
    /// The background's colour was said.
    pub has_ground: bool,
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
