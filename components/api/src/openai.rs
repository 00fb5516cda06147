//! The part of OpenAI's images API that this service understands, so that a client of that
//! API needs only another address: what its requests say, and the form of its answers. What
//! a request leads to is decided behind it, by the rules of every other door.
//!
//! Sources: the reference at <https://platform.openai.com/docs/api-reference/images/createEdit>,
//! and the packages `openai` of Python (3.x) and JavaScript (7.x).

pub mod answer;
pub mod fault;
pub mod fields;
pub mod form;

/// Whether the path is one of this API.
pub fn has(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}
