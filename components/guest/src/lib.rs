//! Shared by all components: the bindings of `wit/` with conversions to domain types, the
//! clock and randomness of WASI, streams, outbound HTTP, and the log.
//!
//! It must make no decisions: each component decides for itself.
#![allow(async_fn_in_trait, reason = "components have one thread")]

#[cfg(target_arch = "wasm32")]
pub mod bindings;
mod failure;
#[cfg(target_arch = "wasm32")]
mod incoming;
pub mod log;
#[cfg(target_arch = "wasm32")]
pub mod outbound;
mod ports;
#[cfg(target_arch = "wasm32")]
mod wasi;

pub use failure::Failure;
#[cfg(target_arch = "wasm32")]
pub use incoming::Incoming;
pub use ports::{ByteStream, Clock, Random};
#[cfg(target_arch = "wasm32")]
pub use wasi::Imports;
