//! The local image model: edits an image by rules, as the words of the prompt
//! say. It is not a generative model, needs no network and no key, and gives
//! the same bytes for the same input.
//!
//! `plan` reads the prompt by the table in `vocabulary`, `edit` changes the
//! pixels, `codec` stands between files and pixels, and `refine` is the whole.
//! Only the component's bindings know WIT.

mod codec;
mod color;
#[cfg(target_arch = "wasm32")]
mod component;
mod edit;
mod pixels;
pub mod plan;
mod refine;
mod survey;
pub mod vocabulary;
mod words;

pub use codec::Problem;
pub use refine::{RefineError, Refined, refine};

/// One sentence on what this model is, for people who run it.
pub const DESCRIPTION: &str = "The local model edits images by rules, as the words of the prompt \
    say (lighter, warmer, minimalist, shades of brown, …); it is not a generative model and needs \
    no network.";
