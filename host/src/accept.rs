//! Which of two media types a client prefers, by its field `Accept`.

use concept_refinement_domain::accept;
use http::{HeaderMap, HeaderValue, header};

/// Whether `Accept` ranks the first media type higher than the second. Both are in lower case
/// and without parameters.
pub fn prefers(headers: &HeaderMap, first: &str, second: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    accept::prefers(values.map(HeaderValue::as_bytes), first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_count() {
        let mut headers = HeaderMap::new();
        for accept in ["application/json;q=0.5", "text/csv"] {
            headers.append(header::ACCEPT, accept.parse().unwrap());
        }
        assert!(prefers(&headers, "text/csv", "application/json"));
    }
}
