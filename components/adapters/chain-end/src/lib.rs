//! What is behind the last model of a chain: no other one, and a memory that forgets
//! at once. A stock platform drops an instance when it likes, so that nothing would
//! last in it.

#[cfg(target_arch = "wasm32")]
mod component;
