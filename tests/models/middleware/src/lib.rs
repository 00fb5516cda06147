//! A middleware that does what the prompt tells it to do, mostly what it must not.
//! Of any other prompt the model behind it is asked. It is for tests only.

#[cfg(target_arch = "wasm32")]
mod component;
