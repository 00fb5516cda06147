//! The processor's door on a platform that calls components by HTTP: a message
//! comes in by `POST /process`, and the answer tells the queue what became of
//! it.
//!
//! It asks for no credentials, so it must stand on a route that only the
//! platform's own components reach. It must never hold more than one message's
//! worth of a request.

mod answer;
#[cfg(target_arch = "wasm32")]
mod component;
