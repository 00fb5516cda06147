//! Interprets the head of an origin's response, as leniently as browsers do.

use percent_encoding::{AsciiSet, percent_encode};

/// The codings that compress (RFC 9110, 8.4.1, and the registry of IANA).
const COMPRESSIONS: [&[u8]; 9] = [
    b"br",
    b"compress",
    b"dcb",
    b"dcz",
    b"deflate",
    b"gzip",
    b"x-compress",
    b"x-gzip",
    b"zstd",
];

/// Whether the body is compressed, by all values of `Content-Encoding`. An unregistered
/// coding, such as `aws-chunked`, `utf-8` or an empty one, says nothing about the bytes.
pub fn is_compressed<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let is_compression = |coding: &[u8]| {
        let coding = coding.trim_ascii();
        COMPRESSIONS
            .iter()
            .any(|it| it.eq_ignore_ascii_case(coding))
    };
    let mut values = values.into_iter();
    values.any(|value| value.split(|byte| *byte == b',').any(is_compression))
}

/// Whether a status names another address to ask (RFC 9110, 15.4): not 304, for one.
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The value of `Location` as text. Bytes beyond ASCII are percent-encoded unchanged,
/// because their text encoding is unknown.
pub fn location(value: &[u8]) -> String {
    percent_encode(value, &AsciiSet::EMPTY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_coding_is_a_compression() {
        for (name, values, expected) in [
            ("none", &[][..], false),
            ("an empty one", &[""][..], false),
            ("identity", &["identity"], false),
            ("identity twice", &["identity, identity"], false),
            ("empty and identity", &["", "identity"], false),
            ("of S3's clients", &["aws-chunked"], false),
            ("an encoding of text", &["utf-8"], false),
            ("the word none", &["none"], false),
            ("binary", &["binary"], false),
            ("nearly gzip", &["gzip2"], false),
            ("gzip", &["gzip"], true),
            ("in capitals", &["GZip"], true),
            ("an older name", &["x-gzip"], true),
            ("brotli", &["br"], true),
            ("zstd", &["zstd"], true),
            ("deflate", &["deflate"], true),
            ("the second", &["identity, br"], true),
            ("in another field", &["identity", "gzip"], true),
            ("of S3's clients, and gzip", &["aws-chunked,gzip"], true),
        ] {
            let values = values.iter().map(|value| value.as_bytes());
            assert_eq!(is_compressed(values), expected, "{name}");
        }
    }

    #[test]
    fn a_location_is_ascii() {
        for (value, expected) in [
            (&b"/plain?a=%20#b"[..], "/plain?a=%20#b"),
            (b"", ""),
            (b"/caf\xe9.png", "/caf%E9.png"),
            ("/café.png".as_bytes(), "/caf%C3%A9.png"),
            (b"/\xff\x80", "/%FF%80"),
        ] {
            assert_eq!(location(value), expected);
        }
    }
}
