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

/// Longest name in a header, in bytes.
const MAX_NAME: usize = 256;

/// The name of a model as far as it may stand in a header.
pub fn plain_name(name: &str) -> String {
    let is_plain = |character: &char| character.is_ascii_graphic() || *character == ' ';
    name.chars().filter(is_plain).take(MAX_NAME).collect()
}
