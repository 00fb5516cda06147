//! Requests whose clients prefer to wait for the answer (RFC 7240): they may take
//! long without any work being done, as streams of events do, and are counted with
//! those.

use concept_refinement_domain::preference;
use http::{HeaderName, Method, Request};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What is read waits for nothing.
pub fn is_patient<B>(request: &Request<B>) -> bool {
    let values = request.headers().get_all(PREFER);
    request.method() == Method::POST
        && preference::wait(values.iter().map(|value| value.as_bytes())).is_some()
}
