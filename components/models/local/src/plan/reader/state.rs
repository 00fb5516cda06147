//! What the reader keeps in mind from one word to the next.

use crate::vocabulary::Quality;

/// What the words before say of the next change.
#[derive(Clone, Copy)]
pub struct Modifiers {
    pub degree: f32,
    pub reverse: bool,
    pub not: bool,
    pub without: bool,
    pub keep: bool,
}

impl Default for Modifiers {
    fn default() -> Self {
        Self {
            degree: 1.0,
            reverse: false,
            not: false,
            without: false,
            keep: false,
        }
    }
}

impl Modifiers {
    /// Why nothing is to be done, if so.
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

pub struct Pending {
    pub text: String,
    pub changes: Vec<(Quality, f32)>,
}

/// What there was before the last word.
pub struct Last {
    pub text: String,
    pub adjustments: usize,
    pub colors: usize,
    pub shade: Option<f32>,
}

/// How far "replace red by blue" was read.
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
}

/// What is known of the clause that is being read.
#[derive(Default)]
pub struct Clause {
    /// The part of the picture that it begins with.
    pub part: Option<Part>,
    /// Something that is not wanted was named.
    pub negated: bool,
    /// There is more in it than a degree can refer to.
    pub other: bool,
}

pub struct Part {
    pub name: String,
    pub is_background: bool,
    /// Whether anything was said of it.
    pub said: bool,
}
