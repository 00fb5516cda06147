//! Distinguishes users before their tokens are verified.
//!
//! It compares the tokens themselves, because nobody can pose as another user without
//! that user's token. A user with several tokens counts as several users.

use std::hash::{BuildHasher as _, RandomState};

use http::{HeaderMap, header};

/// The cookie that may hold a token.
const COOKIE: &[u8] = b"session=";

/// Hashes tokens with a random key, so that collisions cannot be predicted.
#[derive(Default)]
pub struct Credentials(RandomState);

impl Credentials {
    /// None: the request has no token.
    pub fn of(&self, headers: &HeaderMap) -> Option<u64> {
        let token = match headers.get(header::AUTHORIZATION) {
            Some(value) => last_word(value.as_bytes()),
            None => headers
                .get_all(header::COOKIE)
                .iter()
                .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
                .find_map(|cookie| cookie.trim_ascii().strip_prefix(COOKIE))?,
        };
        Some(self.0.hash_one(token))
    }
}

/// The token after `Bearer`, whatever comes between.
fn last_word(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value.rsplit(|byte| *byte == b' ').next().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn a_token_is_the_same_wherever_it_stands() {
        let credentials = Credentials::default();
        let of = |fields: &[(HeaderName, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(name, value.parse().unwrap());
            }
            credentials.of(&headers)
        };
        let (authorization, cookie) = (header::AUTHORIZATION, header::COOKIE);
        let one = of(&[(authorization.clone(), "Bearer one")]);
        assert!(one.is_some());
        for (name, fields, is_same) in [
            (
                "more spaces",
                vec![(authorization.clone(), "bearer   one ")],
                true,
            ),
            ("a cookie", vec![(cookie.clone(), "session=one")], true),
            (
                "among cookies",
                vec![(cookie.clone(), "a=b; session=one;c=d")],
                true,
            ),
            (
                "spread",
                vec![(cookie.clone(), "a=b"), (cookie.clone(), "session=one")],
                true,
            ),
            (
                "another",
                vec![(authorization.clone(), "Bearer two")],
                false,
            ),
            (
                "another cookie",
                vec![(cookie.clone(), "xsession=one")],
                false,
            ),
            (
                "the header counts",
                vec![
                    (cookie.clone(), "session=one"),
                    (authorization, "Bearer two"),
                ],
                false,
            ),
        ] {
            assert_eq!(of(&fields) == one, is_same, "{name}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(cookie, "a=b")]), None);
    }
}
