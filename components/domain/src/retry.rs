//! Backoff between calls of a provider.

use std::time::{Duration, UNIX_EPOCH};

use crate::timestamp::Timestamp;

/// Most attempts per model.
pub const MAX_TRIES: u32 = 3;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const GROWTH: u32 = 4;
const MAX_STEPS: u32 = 4;
const SPREAD: f64 = 0.25;

/// Stands for a wait without end; safe to add to any time.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The wait after this many attempts (about 1 s after the first, 4 s after the second),
/// varied by up to a quarter. `jitter` is from 0 to 1. Never shorter than the wait that
/// the provider requested.
pub fn backoff(tries_made: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
    let steps = tries_made.saturating_sub(1).min(MAX_STEPS);
    let wait = FIRST_WAIT
        .saturating_mul(GROWTH.saturating_pow(steps))
        .mul_f64(1.0 - SPREAD + 2.0 * SPREAD * bounded(jitter));
    wait.max(retry_after.unwrap_or_default())
}

/// A jitter from 0 to 1, whatever it was.
pub(crate) fn bounded(jitter: f64) -> f64 {
    match jitter.is_finite() {
        true => jitter.clamp(0.0, 1.0),
        false => 0.5,
    }
}

/// Parses `Retry-After`: seconds, or a date in one of HTTP's three formats. A date in the
/// past means no wait, an absurd one a century.
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if value.is_empty() || value.len() > 64 {
        return None;
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(FOREVER));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    let wait = Timestamp::from_secs(since_epoch.as_secs()).since(now);
    Some(wait.min(FOREVER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_longer_each_time() {
        for (name, tries, jitter, retry_after, milliseconds) in [
            ("after the first, shortest", 1, 0.0, None, 750),
            ("after the first, middle", 1, 0.5, None, 1_000),
            ("after the first, longest", 1, 1.0, None, 1_250),
            ("after the second, middle", 2, 0.5, None, 4_000),
            ("after the second, longest", 2, 1.0, None, 5_000),
            ("before any", 0, 0.5, None, 1_000),
            ("more than ever happens", u32::MAX, 0.5, None, 256_000),
            ("no number", 1, f64::NAN, None, 1_000),
            ("the provider asks for less", 1, 0.5, Some(100), 1_000),
            ("the provider asks for more", 1, 0.5, Some(9_000), 9_000),
        ] {
            let wait = backoff(tries, jitter, retry_after.map(Duration::from_millis));
            assert_eq!(wait, Duration::from_millis(milliseconds), "{name}");
        }
    }

    #[test]
    fn reads_the_header() {
        let now = Timestamp::from_secs(784_111_777 - 60); // a minute before the dates below
        for (value, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(60)),
            ("Sun Nov  6 08:49:37 1994", Some(60)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("Tue, 08 Nov 1994 08:48:37 GMT", Some(2 * 86_400)),
            ("Fri, 01 Mar 1996 00:00:00 GMT", Some(41_526_683)),
            ("Wed, 01 Mar 2000 00:00:00 GMT", Some(167_757_083)),
            ("Friday, 31-Dec-99 23:59:59 GMT", Some(162_573_082)),
            ("Sat, 06 Nov 9999 08:49:37 GMT", Some(FOREVER.as_secs())),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37:00 GMT", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
            ("Sun, +6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Now 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1904 08:49:37 GMT", None),
            ("99999999999999999999999", Some(FOREVER.as_secs())),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("06 Nov", None),
        ] {
            let wait = seconds.map(Duration::from_secs);
            assert_eq!(parse_retry_after(value, now), wait, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded(tries in any::<u32>(), jitter in any::<f64>()) {
            let wait = backoff(tries, jitter, None);
            prop_assert!(wait >= Duration::from_millis(750) && wait <= Duration::from_secs(320));
        }

        #[test]
        fn a_header_never_panics(value in any::<String>(), now in any::<u64>()) {
            let _ = parse_retry_after(&value, Timestamp(now));
        }
    }
}
