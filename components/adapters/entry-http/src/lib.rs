//! The entry point of the processor on a platform that calls components by HTTP: a
//! message arrives as `POST /process`, and the status of the response is the outcome
//! for the queue.
//!
//! It requires no credentials, so it must be on a route that only the application's own
//! components can call. It must never buffer more than one message.

mod answer;
#[cfg(target_arch = "wasm32")]
mod component;
