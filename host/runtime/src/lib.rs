//! Runs components: compiles, links and bounds them, gives them the capabilities, brings
//! requests to them and lets theirs out.
//!
//! It knows the contracts of the capabilities and no engine, so it must never name one.

#![deny(missing_docs)]

mod body;
pub mod egress;
pub mod ingress;
mod links;
pub mod metrics;
pub mod model;
pub mod wasm;

/// What `bindgen!` makes of `wit/types.wit`, with its conversions: for worlds that
/// are generated elsewhere and share these types.
pub use wasm::bindings::capabilities::concept::refinement::types;
