//! Shared by the models behind an HTTP API: requests to the provider, bounded
//! answers, and errors as the interface `image-model` defines them.
//!
//! Where one request is enough, a model implements [`Provider`]: the request, and
//! where its answer has the image. Where it takes several, it implements [`Model`]
//! by calls of [`exchange`]. Everything is plain Rust over [`Ports`]; only
//! `component` knows WIT.
//!
//! No timeouts here, and no request for new work is repeated: the caller does that. Work
//! that a provider has accepted is looked at until it is there. The key must never be
//! printed or returned. An original is sent while it is read, and never held; of
//! an answer there is never more than one copy, except while it is converted.

mod answer;
mod body;
#[cfg(target_arch = "wasm32")]
pub mod component;
mod exchange;
mod json;
mod message;
mod model;
mod multipart;
mod original;
mod outcome;
mod persistence;
mod ports;
mod question;
mod sampling;
mod settings;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Found, MAX_JSON_WITH_IMAGE, Reply, answer, json, reply};
pub use body::Body;
pub use exchange::{exchange, success};
pub use json::{First, Text};
pub use message::said_in;
pub use model::{Model, Provider};
pub use multipart::Multipart;
pub use original::{Contents, Nothing, Original};
pub use outcome::Error;
pub use persistence::persistently;
pub use ports::{ByteStream, Failure, HttpRequest, Method, Ports, Response};
pub use question::{Question, Request};
pub use sampling::{GUIDANCE, NEGATIVE_PROMPT, STEPS};
pub use settings::{Base, Settings};
