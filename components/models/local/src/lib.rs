//! The local image model: edits an image by rules, according to the words of the prompt.
//! It is not a generative model, needs no network and no key, and produces the same bytes
//! for the same input.
//!
//! `plan` reads the prompt with the table of the crate `vocabulary`, `edit` changes pixels, `codec`
//! converts between files and pixels, and `refine` combines them. Only `component` knows
//! WIT.

mod codec;
mod color;
#[cfg(target_arch = "wasm32")]
mod component;
mod edit;
mod majority;
mod notes;
mod pixels;
pub mod plan;
mod refine;
mod survey;
mod words;

pub use codec::Problem;
pub use refine::{RefineError, Refined, Request, refine};

/// One sentence about this model, for users: the page shows it.
pub const DESCRIPTION: &str = "The local model edits images by rules, as the words of the prompt \
    say (lighter, warmer, minimalist, shades of brown, …); it is not a generative model and needs \
    no network.";

/// The note about a seed: nothing here is drawn by chance.
pub const NO_SEED: &str = "The model takes no seed: the same request always gives the same image.";
