//! Wraps a model that costs money, on platforms other than our host: records its calls
//! before they are sent, and passes on the receipt of an earlier call. The store decides
//! which calls may be made.
//!
//! It must read no image.

#[cfg(target_arch = "wasm32")]
mod component;
