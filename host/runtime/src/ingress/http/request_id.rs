//! Request ids, by which clients and operators refer to the same request.

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is accepted from a request, in bytes.
const MAX_LENGTH: usize = 128;

/// The id of a request: the client's, if it is safe to log, else a new one.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    headers
        .get(HEADER)
        .filter(|id| is_plain(id.as_bytes()))
        .cloned()
        .unwrap_or_else(drawn)
}

/// Adds the id to the response.
pub fn tell<B>(id: HeaderValue, response: &mut Response<B>) {
    response.headers_mut().insert(HEADER, id);
}

fn drawn() -> HeaderValue {
    let id = Uuid::new_v4().to_string();
    // The fallback is never used, since a UUID is a valid header value.
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
}

fn is_plain(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_taken_and_any_other_replaced() {
        let longest = "x".repeat(MAX_LENGTH);
        let too_long = "x".repeat(MAX_LENGTH + 1);
        for (id, is_taken) in [
            ("7d0f5a52-3c1e-4f6b-9a57-2f6f3f1f9d10", true),
            ("Root=1-67891233-abcdef012345678912345678", true),
            (longest.as_str(), true),
            ("", false),
            (too_long.as_str(), false),
            ("a b", false),
            ("a\tb", false),
            ("\"x\"", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::try_from(id).unwrap());
            let found = of(&headers);
            assert_eq!(found == id, is_taken, "{id}");
        }
        let [one, other] = [(); 2].map(|()| of(&HeaderMap::new()));
        assert_ne!(one, other);
    }
}
