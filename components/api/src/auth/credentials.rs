//! Finds the token of a request.

use crate::request::Headers;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    None,
    Bearer(&'a str),
    /// The cookie `session`, if there is no `Authorization`.
    Cookie(&'a str),
    /// An `Authorization` that is not `Bearer`.
    Unusable,
}

/// If `Authorization` is sent, the cookie is ignored.
pub fn credentials(headers: &Headers) -> Credentials<'_> {
    let mut authorization = headers.all("authorization");
    match (authorization.next(), authorization.next()) {
        (None, _) => cookie(headers).map_or(Credentials::None, Credentials::Cookie),
        (Some(value), None) => bearer(value).map_or(Credentials::Unusable, Credentials::Bearer),
        (Some(_), Some(_)) => Credentials::Unusable,
    }
}

fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

/// The first cookie of the name; HTTP/2 may spread cookies over several fields.
fn cookie(headers: &Headers) -> Option<&str> {
    headers
        .all("cookie")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == "session")
        .map(|(_, token)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_where_they_may_be() {
        type Fields = [(&'static str, &'static [u8])];
        let cases: &[(&str, &Fields, Credentials)] = &[
            ("nothing", &[], Credentials::None),
            (
                "bearer",
                &[("Authorization", b"Bearer a.b.c")],
                Credentials::Bearer("a.b.c"),
            ),
            (
                "the scheme in any notation",
                &[("authorization", b"bEARER  a.b.c ")],
                Credentials::Bearer("a.b.c"),
            ),
            (
                "cookie",
                &[("cookie", b"session=a.b.c")],
                Credentials::Cookie("a.b.c"),
            ),
            (
                "cookie among others",
                &[("cookie", b"x=1; xsession=2; session=a.b.c; y")],
                Credentials::Cookie("a.b.c"),
            ),
            (
                "cookies over several fields",
                &[("cookie", b"x=1"), ("cookie", b"session=a")],
                Credentials::Cookie("a"),
            ),
            (
                "the first of two cookies",
                &[("cookie", b"session=a; session=b")],
                Credentials::Cookie("a"),
            ),
            (
                "cookies have a case",
                &[("cookie", b"Session=a")],
                Credentials::None,
            ),
            (
                "the header alone counts",
                &[("cookie", b"session=a"), ("authorization", b"Bearer b")],
                Credentials::Bearer("b"),
            ),
            (
                "also one that is of no use",
                &[("cookie", b"session=a"), ("authorization", b"Basic b")],
                Credentials::Unusable,
            ),
            (
                "an empty header",
                &[("authorization", b"")],
                Credentials::Unusable,
            ),
            (
                "no token",
                &[("authorization", b"Bearer")],
                Credentials::Unusable,
            ),
            (
                "two headers",
                &[
                    ("authorization", b"Bearer a"),
                    ("authorization", b"Bearer b"),
                ],
                Credentials::Unusable,
            ),
            (
                "not UTF-8",
                &[("authorization", b"Bearer \xff")],
                Credentials::Unusable,
            ),
        ];
        for (name, fields, expected) in cases {
            let headers = Headers::from_iter(fields.iter().copied());
            assert_eq!(credentials(&headers), *expected, "{name}");
        }
    }
}
