//! Presents one model as the first of several: adapts an import by index to imports that
//! each have one name. The other models are behind it, each with an adapter like this.
//!
//! It must make no decisions, and touch no image.

#[cfg(target_arch = "wasm32")]
mod component;
