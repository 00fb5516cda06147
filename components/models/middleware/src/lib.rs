//! Shared by the shipped middleware: a request that can be passed to several models,
//! since its image is stored outside of the instance, and conversion of their answers.
//!
//! It must make no decisions, and read no image.

#[cfg(target_arch = "wasm32")]
pub mod component;
