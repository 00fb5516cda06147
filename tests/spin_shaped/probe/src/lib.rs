//! A component that does on a platform what a request tells it to do, and says
//! what came of it: so that the platform can be looked at from outside, and two
//! platforms compared. It exists for tests only.

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(target_arch = "wasm32")]
mod keyvalue;
#[cfg(target_arch = "wasm32")]
mod request;
