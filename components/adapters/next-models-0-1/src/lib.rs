//! Presents the models behind a middleware that was built with the interfaces of 0.1.0 as
//! it knows them, on platforms other than our host, which does so itself.
//!
//! It must touch no image, and ask for nothing that the middleware does not ask for.

#[cfg(target_arch = "wasm32")]
mod component;
