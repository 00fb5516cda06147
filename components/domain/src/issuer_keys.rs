//! When the keys of a token issuer (its JWK Set) are fetched, and how much of them
//! is read.
//!
//! They are cached twice: parsed in each instance of the API, and in our host for all
//! instances, which are short-lived. Both fetch exactly when this rule allows it; on
//! other platforms the instances have no shared cache.

use std::time::Duration;

/// Keys of this age are fetched again, but still used meanwhile.
pub const STALE: Duration = Duration::from_secs(10 * 60);

/// The shortest interval of fetches while there are keys.
const REFRESH: Duration = Duration::from_secs(60);

/// The shortest interval of fetches while there are none.
const RETRY: Duration = Duration::from_secs(10);

/// Timeout of a fetch, for each of: connecting, the first byte, pauses, and the whole
/// answer.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest key set that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// How long until the keys may be fetched; zero means now. `since_fetch`: time since the
/// last fetch began, whatever its outcome.
pub fn time_to_fetch(has_keys: bool, since_fetch: Option<Duration>) -> Duration {
    let interval = if has_keys { REFRESH } else { RETRY };
    since_fetch.map_or(Duration::ZERO, |since| interval.saturating_sub(since))
}

#[cfg(test)]
mod tests {
    use super::*;

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
