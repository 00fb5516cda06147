//! Outbound HTTP of components, by `wasi:http/client`.
//!
//! It says what is asked and reads what is answered. Whether an address may be
//! asked is for the platform and for whoever calls; redirects are not followed.
#![cfg(target_arch = "wasm32")]

mod failure;
mod incoming;
mod request;
mod response;

pub use failure::Failure;
pub use incoming::Incoming;
pub use request::{Timeouts, request};
pub use response::Response;

use wasip3::http::client;
use wasip3::http::types::Request;

/// Answers as soon as the head of the response is there.
pub async fn send(request: Request) -> Result<Response, Failure> {
    Ok(client::send(request).await?.into())
}
