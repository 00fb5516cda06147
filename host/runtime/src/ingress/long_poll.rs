//! Requests whose clients ask to wait for the result (`Prefer: wait`, RFC 7240): like
//! event streams, they may take long without doing work, and count toward the same limit.

use concept_refinement_domain::preference;
use http::{HeaderName, Method, Request};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Reads never wait.
pub fn is_long_poll<B>(request: &Request<B>) -> bool {
    let values = request.headers().get_all(PREFER);
    request.method() == Method::POST
        && preference::wait(values.iter().map(|value| value.as_bytes())).is_some()
}
