//! The end of a model chain: no further model, and a state store that stores nothing. A
//! stock platform may drop an instance at any time, so state would not last anyway.

#[cfg(target_arch = "wasm32")]
mod component;
