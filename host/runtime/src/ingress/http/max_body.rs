//! How large the body of a request may be, by what it brings along.

use concept_refinement_domain::openai::EDITS;
use concept_refinement_mcp as mcp;

/// Largest request bodies that are read at all, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct MaxBody {
    /// Of an edit by OpenAI's API, which has an image and a mask in it.
    pub edit: u64,
    /// Of a message of Model Context Protocol, which may have an image in it.
    pub message: u64,
    /// Of all other requests.
    pub other: u64,
}

impl MaxBody {
    /// Of a request to this path.
    pub fn of(self, path: &str) -> u64 {
        match path {
            EDITS => self.edit,
            mcp::PATH => self.message,
            _ => self.other,
        }
    }
}
