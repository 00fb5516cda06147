//! Outbound HTTP of components, by `wasi:http/client`.
//!
//! Sends requests and reads responses. Whether an address is allowed is for the
//! caller and the platform to decide; redirects are not followed.

mod failure;
mod request;
mod response;

pub use crate::Failure;
pub use request::{Request, Timeouts, request};
pub use response::Response;

use wasip3::http::client;

/// Sends a request and returns at the head of the response.
pub async fn send(request: Request) -> Result<Response, Failure> {
    let Request {
        request,
        transmitted,
    } = request;
    let response = client::send(request).await?;
    Ok(Response::new(response, transmitted))
}
