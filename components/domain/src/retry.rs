//! How long to wait before asking a provider again.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

use crate::timestamp::Timestamp;

/// How often a model is asked in all.
pub const MAX_TRIES: u32 = 3;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const GROWTH: u32 = 4;
const MAX_STEPS: u32 = 4;
const SPREAD: f64 = 0.25;

/// The longest wait that is told apart from "never": any sum with it is safe.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The wait after so many tries (about 1 s after the first, 4 s after the
/// second), spread by up to a quarter either way. `jitter` is from 0 to 1. What
/// the provider asked for is the least.
pub fn backoff(tries_made: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
    let steps = tries_made.saturating_sub(1).min(MAX_STEPS);
    let jitter = if jitter.is_finite() {
        jitter.clamp(0.0, 1.0)
    } else {
        0.5
    };
    let wait = FIRST_WAIT
        .saturating_mul(GROWTH.saturating_pow(steps))
        .mul_f64(1.0 - SPREAD + 2.0 * SPREAD * jitter);
    wait.max(retry_after.unwrap_or_default())
}

/// Reads a `Retry-After` header: seconds, or a date in one of the three forms
/// of HTTP. A date that has passed is no wait, an absurd one a century.
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if value.is_empty() || value.len() > 64 {
        return None;
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(FOREVER));
    }
    let microseconds = http_date(value)?.as_microsecond();
    let then = Timestamp(u64::try_from(microseconds).unwrap_or(0));
    Some(then.since(now).min(FOREVER))
}

fn http_date(value: &str) -> Option<jiff::Timestamp> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()
        .or_else(|| obsolete_date("%A, %d-%b-%y %H:%M:%S GMT", value))
        .or_else(|| obsolete_date("%a %b %e %H:%M:%S %Y", value))
}

/// The forms of RFC 850 and of C's `asctime`, which a recipient has to accept.
fn obsolete_date(form: &str, value: &str) -> Option<jiff::Timestamp> {
    let date: DateTime = strtime::parse(form, value).ok()?.to_datetime().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
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
            ("Sun, 06 Nov 1904 08:49:37 GMT", Some(0)),
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
