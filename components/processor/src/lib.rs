//! The refinement pipeline as a component: claim, download, refine, store,
//! complete (seed: `RefinementTaskProcessor`).
//!
//! [`process`] reads like its six steps and knows only [`ports`], so it runs
//! natively in tests; `component` has the bindings to WIT. It must never trust
//! more of a message than its ids, and never write without its lease.

pub mod config;
pub mod contents;
pub mod download;
pub mod ports;
pub mod process;
pub mod refine;
mod time;

#[cfg(target_arch = "wasm32")]
mod component;

#[cfg(test)]
mod tests;
