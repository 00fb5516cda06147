//! Outbound HTTP of components, by `wasi:http/client`.
//!
//! It says what is asked and reads what is answered. Whether an address may be
//! asked is for the platform and for whoever calls; redirects are not followed.

mod failure;
mod request;
mod response;

pub use failure::Failure;
pub use request::{Request, Timeouts, request};
pub use response::Response;

use wasip3::http::client;

/// Answers as soon as the head of the response is there.
pub async fn send(request: Request) -> Result<Response, Failure> {
    let Request {
        request,
        transmitted,
    } = request;
    let response = client::send(request).await?;
    Ok(Response::new(response, transmitted))
}
