//! Why a task fails.

use std::fmt;

/// A sentence for the user, and whether the request is to blame for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    text: String,
    /// Whether the request cannot be fulfilled, however often it is repeated.
    pub is_refusal: bool,
}

impl Reason {
    /// The request cannot be fulfilled.
    pub fn refusal(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_refusal: true,
        }
    }

    /// Something else went wrong.
    pub fn fault(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_refusal: false,
        }
    }

    /// The same about a part of the request.
    #[must_use]
    pub fn about(self, part: &str) -> Self {
        Self {
            text: format!("{part}: {self}"),
            ..self
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
