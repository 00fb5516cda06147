//! The cases. What many share stands here.

pub mod crowds;
pub mod health;
pub mod lasting;
pub mod mcp;
pub mod openai;
pub mod owning;
pub mod refining;
pub mod refusals;
pub mod waiting;
pub mod watching;
pub mod webhooks;

use concept_refinement_tests::client::Answer;

/// An id that nothing has.
const NO_ID: &str = "00000000-0000-4000-8000-000000000000";

const REFINE: &str = "/api/concepts/refine";

/// Limit, remaining, reset.
fn limits(answer: &Answer) -> [u64; 3] {
    ["limit", "remaining", "reset"].map(|name| {
        let value = answer.header(&format!("x-ratelimit-{name}"));
        let value = value.unwrap_or_else(|| panic!("no {name}: {answer:?}"));
        value.parse().unwrap()
    })
}

/// A URL without its signature.
fn unsigned(url: &str) -> &str {
    url.split_once('?').unwrap().0
}
