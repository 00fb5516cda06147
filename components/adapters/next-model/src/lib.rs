//! One model as the first of several: what an import by index is wired to where each
//! import has one name. The others are behind it, each with one of these.
//!
//! It must decide nothing, and touch no image.

#[cfg(target_arch = "wasm32")]
mod component;
