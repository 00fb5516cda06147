//! Shared by the middleware that ships: one request that can be asked of several
//! models, since its image is held outside of the instance, and their answers as its
//! own.
//!
//! It must decide nothing, and read no image.

#[cfg(target_arch = "wasm32")]
pub mod component;
