//! Runs components: compiles, links and limits them, provides their capabilities, and
//! connects them to HTTP in both directions.
//!
//! It depends on the contracts of the capabilities and must never name an engine.

#![deny(missing_docs)]

mod body;
pub mod egress;
pub mod ingress;
mod links;
pub mod metrics;
pub mod model;
pub mod wasm;

/// The types that `bindgen!` generates from `wit/types.wit`, with their conversions, for
/// worlds that are generated elsewhere and share these types.
pub use wasm::bindings::capabilities::concept::refinement::types;
