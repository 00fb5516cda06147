//! Edits of a part of an image: whatever a model paints, each pixel outside of the part
//! stays as it was, at the original's depth and in its colours.
//!
//! `prepare` makes what the model is to see, `compose` puts its answer into the original.
//! Both compute only. Images in memory are as their files have them; what is put together
//! is made row by row while it is encoded, so that no copy is needed. Only `component` knows
//! WIT.

mod answer;
mod blend;
#[cfg(target_arch = "wasm32")]
mod component;
mod compose;
mod encode;
mod feather;
mod mask;
mod original;
mod prepare;
mod problem;

pub use compose::{Answer, Composite, compose};
pub use concept_refinement_domain::partial_edit::Region;
pub use encode::Pieces;
pub use original::File;
pub use prepare::{Part, View, prepare};
pub use problem::Problem;

#[cfg(test)]
mod tests;
