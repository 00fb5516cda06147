//! The refinement pipeline as a component: claim, download, refine, store,
//! complete (seed: `RefinementTaskProcessor`).
//!
//! [`process`] reads like the seed's six steps and knows only [`ports`], so it
//! runs natively in tests; the bindings to WIT stand in `component`. It must
//! never trust the message beyond the ids that it points to, and never write
//! without naming its lease.

pub mod config;
pub mod contents;
pub mod download;
pub mod ports;
pub mod process;
pub mod refine;

#[cfg(target_arch = "wasm32")]
mod component;

#[cfg(test)]
mod tests;
