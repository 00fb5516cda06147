//! Checks whether a client already has the current version (RFC 9110, section 13).

use crate::request::Headers;

/// Whether one of the validators in `If-None-Match` is this one, by weak comparison.
pub fn is_unchanged(headers: &Headers, etag: &str) -> bool {
    headers
        .all("if-none-match")
        .filter_map(|field| std::str::from_utf8(field).ok())
        .flat_map(|field| field.split(','))
        .map(str::trim)
        .any(|theirs| theirs == "*" || theirs.strip_prefix("W/").unwrap_or(theirs) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validators() {
        let cases: &[(&str, &[&str], bool)] = &[
            ("the same", &["\"a\""], true),
            ("weak", &["W/\"a\""], true),
            ("one of several", &["\"b\", \"a\""], true),
            ("in the second field", &["\"b\"", "\"a\""], true),
            ("any", &["*"], true),
            ("another", &["\"b\""], false),
            ("unquoted", &["a"], false),
            ("empty", &[""], false),
            ("none", &[], false),
        ];
        for (name, fields, expected) in cases {
            let fields = fields.iter().map(|field| ("If-None-Match", field));
            let headers = Headers::from_iter(fields);
            assert_eq!(is_unchanged(&headers, "\"a\""), *expected, "{name}");
        }
    }
}
