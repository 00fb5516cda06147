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
        use Credentials::{Bearer, Cookie, Unusable};
        type Fields = [&'static [u8]];
        let cases: &[(&str, &Fields, &Fields, Credentials)] = &[
            ("nothing", &[], &[], Credentials::None),
            ("bearer", &[b"Bearer a.b.c"], &[], Bearer("a.b.c")),
            ("any notation", &[b"bEARER  a.b.c "], &[], Bearer("a.b.c")),
            ("cookie", &[], &[b"session=a.b.c"], Cookie("a.b.c")),
            (
                "cookie among others",
                &[],
                &[b"x=1; xsession=2; session=a.b.c; y"],
                Cookie("a.b.c"),
            ),
            ("several fields", &[], &[b"x=1", b"session=a"], Cookie("a")),
            ("two cookies", &[], &[b"session=a; session=b"], Cookie("a")),
            ("their case", &[], &[b"Session=a"], Credentials::None),
            ("both", &[b"Bearer b"], &[b"session=a"], Bearer("b")),
            ("one of no use", &[b"Basic b"], &[b"session=a"], Unusable),
            ("an empty header", &[b""], &[], Unusable),
            ("no token", &[b"Bearer"], &[], Unusable),
            ("two headers", &[b"Bearer a", b"Bearer b"], &[], Unusable),
            ("not UTF-8", &[b"Bearer \xff"], &[], Unusable),
        ];
        for (name, authorization, cookies, expected) in cases {
            let cookies = cookies.iter().map(|value| ("Cookie", *value));
            let fields = authorization.iter().map(|value| ("authorization", *value));
            let headers = Headers::from_iter(cookies.chain(fields));
            assert_eq!(credentials(&headers), *expected, "{name}");
        }
    }
}
