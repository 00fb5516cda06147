//! Outbound HTTP of components, with `wasi:http/client`.
//!
//! Sends requests and reads responses. The caller and the platform decide whether an
//! address is allowed; redirects are not followed.

mod failure;
mod request;
mod response;

pub use crate::Failure;
pub use request::{Request, Timeouts, request};
pub use response::{InFlight, Response};

use wasip3::http::client;

/// Sends a request, and returns when the head of the response has arrived.
pub async fn send(request: Request) -> Result<Response, Failure> {
    let Request {
        request,
        transmitted,
    } = request;
    let response = client::send(request).await?;
    Ok(Response::new(response, transmitted))
}
