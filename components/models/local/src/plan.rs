//! From a prompt to the edits that it asks for.
//!
//! Words combine; the order of the edits is the vocabulary's, so that the same
//! words ask for the same in whatever order they are written (only rotating
//! and flipping go by the order of the prompt). What is not understood is left
//! out and reported, never guessed.

mod edits;
mod reader;
mod theme;

use crate::words::terms;
pub use edits::{Edit, Plan, Recolor};
use reader::Reader;

impl Plan {
    pub fn of(prompt: &str) -> Self {
        let mut reader = Reader::default();
        for term in terms(prompt) {
            reader.read(term);
        }
        reader.finish()
    }

    /// With the colours that the theme's description names, where the prompt
    /// says nothing else of colours.
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
