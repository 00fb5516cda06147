//! What the image models behind an HTTP API share: one request to the provider,
//! its answer read within bounds, and each way in which that can go wrong told
//! as the interface `image-model` has it.
//!
//! A model of this kind is a [`Provider`]: how its request looks and where its
//! answer holds the image. Everything is plain Rust over [`Ports`]; only
//! `component` knows WIT.
//!
//! Nothing here asks twice or keeps time: repeats and limits are for whoever
//! calls. Nothing here may print or answer the key, or keep more than one copy
//! of an image for longer than it takes to make the next.

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
pub use original::Original;
pub use outcome::Error;
pub use ports::{ByteStream, Failure, Ports, Post, Response};
pub use question::{Question, Request};
pub use refine::{Provider, refine};
pub use sampling::{GUIDANCE, NEGATIVE_PROMPT, STEPS};
pub use settings::{Base, Settings};
