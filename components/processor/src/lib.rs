//! The refinement pipeline as a component: claim, download, refine, store,
//! complete (seed: `RefinementTaskProcessor`).
//!
//! [`process`] reads like its six steps and uses only [`ports`], so it can run natively
//! in tests; `component` has the WIT bindings. It must never trust anything in a message
//! but its ids, and never write without its lease.

pub mod contents;
pub mod download;
pub mod partial_edit;
pub mod ports;
pub mod process;
pub mod reason;
pub mod refine;
mod time;

pub use concept_refinement_domain::processor_config as config;

#[cfg(target_arch = "wasm32")]
mod component;

#[cfg(test)]
mod tests;
