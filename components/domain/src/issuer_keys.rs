//! When the keys of a token issuer (its JWK Set) are fetched, how much of them is read,
//! and how their numbers are written.
//!
//! They are cached twice: parsed in each instance of the API, and in our host for all
//! instances, which are short-lived. Both fetch exactly when this rule allows it; on
//! other platforms the instances have no shared cache.

use std::time::Duration;

use base64::Engine as _;

use crate::lenient_base64::BASE64;

/// Our host's cache sends this header if it has sent the same document before: problems
/// with its keys have been logged then.
pub const KNOWN_HEADER: &str = "concept-refinement-known-keys";

/// Keys of this age are fetched again, but still used meanwhile.
pub const STALE: Duration = Duration::from_secs(10 * 60);

/// The shortest interval of fetches while there are keys.
const REFRESH: Duration = Duration::from_secs(60);

/// The shortest interval of fetches while there are none.
const RETRY: Duration = Duration::from_secs(10);

/// Timeout of a fetch, for each of: connecting, the first byte, pauses, and the whole
/// answer.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a fetch, which goes on without it: without keys it is
/// refused within 3 s.
pub const LONGEST_WAIT: Duration = Duration::from_millis(2_500);

/// The largest key set that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// How long until the keys may be fetched; zero means now. `since_fetch`: time since the
/// last fetch began, whatever its outcome.
pub fn time_to_fetch(has_keys: bool, since_fetch: Option<Duration>) -> Duration {
    let interval = if has_keys { REFRESH } else { RETRY };
    since_fetch.map_or(Duration::ZERO, |since| interval.saturating_sub(since))
}

/// Decodes a number or a point of a key. The standard requires base64url without padding;
/// issuers also pad it, use the other alphabet, and break lines.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let standard = |byte: u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let bytes = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    BASE64.decode(bytes.map(standard).collect::<Vec<_>>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_issuers_write_them() {
        for (name, text, expected) in [
            ("as it should be", "-_8A", Some(&[0xfb, 0xff, 0][..])),
            ("the other alphabet", "+/8A", Some(&[0xfb, 0xff, 0])),
            ("of two bytes", "-_8", Some(&[0xfb, 0xff])),
            ("padded", "-_8=", Some(&[0xfb, 0xff])),
            ("padded, the other alphabet", "+/8=", Some(&[0xfb, 0xff])),
            ("in lines", "-_\r\n8A\n", Some(&[0xfb, 0xff, 0])),
            ("empty", "", Some(&[])),
            ("half of a byte", "-", None),
            ("another alphabet", "!!!!", None),
            ("padding inside", "-=8A", None),
            ("beyond ASCII", "é", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_minute_apart_with_keys_and_ten_seconds_without() {
        for (has_keys, since_ms, expected_ms) in [
            (false, None, 0),
            (true, None, 0),
            (false, Some(0), 10_000),
            (false, Some(9_999), 1),
            (false, Some(10_000), 0),
            (true, Some(10_000), 50_000),
            (true, Some(59_999), 1),
            (true, Some(60_000), 0),
            (true, Some(1_000_000), 0),
        ] {
            let since = since_ms.map(Duration::from_millis);
            let expected = Duration::from_millis(expected_ms);
            assert_eq!(
                time_to_fetch(has_keys, since),
                expected,
                "keys: {has_keys}, {since:?}"
            );
        }
    }
}
