//! Presents a model or a middleware that was built with the interfaces of 0.1.0 as one of
//! now, on platforms other than our host, which does so itself.
//!
//! It must touch no image, and guess nothing that 0.1.0 does not say.

#[cfg(target_arch = "wasm32")]
mod component;
