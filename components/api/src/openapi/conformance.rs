//! Every answer that any test of the routes sees is one that the document tells
//! of.

use concept_refinement_conformance::{Answer, Document};

use crate::request::Method;

thread_local! {
    static DOCUMENT: Document = Document::parse(&super::text());
}

pub fn with_document<T>(use_it: impl FnOnce(&Document) -> T) -> T {
    DOCUMENT.with(use_it)
}

/// Panics unless it is.
pub fn check(
    method: Method,
    target: &str,
    status: u16,
    headers: &[(&'static str, String)],
    body: &[u8],
) {
    let method = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Other => "PATCH",
    };
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = Answer {
        method,
        path: target,
        status,
        headers: &headers,
        body,
    };
    with_document(|document| document.check(&answer)).unwrap();
}
