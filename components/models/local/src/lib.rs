//! The local image model: edits an image by rules, as the words of the prompt
//! say. It is not a generative model, needs no network and no key, and gives
//! the same bytes for the same input.
//!
//! `plan` reads the prompt by the table in `vocabulary`, `edit` changes the
//! pixels, `codec` stands between files and pixels, and `refine` is the whole.
//! Only the component's bindings know WIT. Whoever wants the vocabulary alone
//! leaves out the feature `editing`, and the codecs with it.

#[cfg(feature = "editing")]
mod codec;
#[cfg(feature = "editing")]
mod color;
#[cfg(all(feature = "editing", target_arch = "wasm32"))]
mod component;
#[cfg(feature = "editing")]
mod edit;
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

/// One sentence on what this model is, for people who run it.
pub const DESCRIPTION: &str = "The local model edits images by rules, as the words of the prompt \
    say (lighter, warmer, minimalist, shades of brown, …); it is not a generative model and needs \
    no network.";
