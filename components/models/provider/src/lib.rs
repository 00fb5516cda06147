//! Shared by the models behind an HTTP API: one request to the provider, a
//! bounded answer, and errors as the interface `image-model` defines them.
//!
//! A model implements [`Provider`]: its request, and where its answer has the
//! image. Everything is plain Rust over [`Ports`]; only `component` knows WIT.
//!
//! No retries and no timeouts here: the caller has them. The key must never be
//! printed or returned. An original is sent while it is read, and never held; of
//! an answer there is never more than one copy, except while it is converted.

mod answer;
mod body;
#[cfg(target_arch = "wasm32")]
pub mod component;
mod json;
mod message;
mod original;
mod outcome;
mod ports;
mod question;
mod refine;
mod sampling;
mod settings;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Found};
pub use body::Body;
pub use json::{First, Text};
pub use original::{Contents, Original};
pub use outcome::Error;
pub use ports::{ByteStream, Failure, Ports, Post, Response};
pub use question::{Question, Request};
pub use refine::{Provider, refine};
pub use sampling::{GUIDANCE, NEGATIVE_PROMPT, STEPS};
pub use settings::{Base, Settings};
