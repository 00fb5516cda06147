//! The local image model: edits an image by rules, according to the words of the prompt.
//! It is not a generative model, needs no network and no key, and produces the same bytes
//! for the same input.
//!
//! `plan` reads the prompt with the table in `vocabulary`, `edit` changes pixels, `codec`
//! converts between files and pixels, and `refine` combines them. Only `component` knows
//! WIT. Without the feature `editing` the crate has only the vocabulary.

#[cfg(feature = "editing")]
mod codec;
#[cfg(feature = "editing")]
mod color;
#[cfg(all(feature = "editing", target_arch = "wasm32"))]
mod component;
#[cfg(feature = "editing")]
mod edit;
#[cfg(feature = "editing")]
mod notes;
#[cfg(feature = "editing")]
mod pixels;
pub mod plan;
#[cfg(feature = "editing")]
mod refine;
#[cfg(feature = "editing")]
mod survey;
pub mod vocabulary;
mod words;

#[cfg(feature = "editing")]
pub use codec::Problem;
#[cfg(feature = "editing")]
pub use refine::{RefineError, Refined, Request, refine};

/// One sentence about this model, for operators.
pub const DESCRIPTION: &str = "The local model edits images by rules, as the words of the prompt \
    say (lighter, warmer, minimalist, shades of brown, …); it is not a generative model and needs \
    no network.";
