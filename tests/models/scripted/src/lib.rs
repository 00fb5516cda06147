//! A model that does what the prompt tells it to do: answer, refuse, hang,
//! crash. It exists for tests only and must never be offered to users.
//!
//! `script` reads the prompt; only `component` knows WIT.

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(target_arch = "wasm32")]
mod hoard;
pub mod script;
