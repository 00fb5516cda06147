//! Turns a prompt into edits.
//!
//! Words combine; the edits are in the vocabulary's order, so that the order of
//! the words does not matter (except for rotating and flipping). Unknown words
//! are skipped and reported, never guessed.

mod edits;
mod preserve;
mod reader;
mod theme;

use crate::words::terms;
pub use edits::{
    CONTRAST_LOSS, Change, Edit, Ground, LEAST_CONTRAST, Pad, Plan, Quantize, Recolor, Replacement,
    Resize, SATURATION_LOSS, Unused, Widened,
};
use reader::Reader;

impl Plan {
    pub fn of(prompt: &str) -> Self {
        let terms = terms(prompt);
        let mut reader = Reader::default();
        let mut rest = terms.as_slice();
        while let [term, after @ ..] = rest {
            reader.read(term.clone(), after);
            rest = after;
        }
        reader.finish()
    }

    /// Adds the colours of the theme's description, if the prompt does not
    /// specify colours itself.
    pub fn themed(mut self, description: &str) -> Self {
        let colors = theme::colors(description);
        if !colors.is_empty() && theme::may_steer(&self) {
            self.insert(vec![Edit::Steer(colors)]);
        }
        self
    }
}

#[cfg(test)]
mod tests;
