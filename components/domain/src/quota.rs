//! Quotas per calendar window.

mod usage;

use std::fmt;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::digits;
use crate::timestamp::Timestamp;

pub use usage::{Refund, Usage};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

// The shortest first.
crate::words! {
    /// A calendar window in UTC.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Window {
        /// From one full hour to the next.
        Hour = "hour",
        /// From midnight to midnight.
        Day = "day",
        /// From the first of a month to the first of the next.
        Month = "month",
    }
}

/// At most `limit` tasks in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Most tasks in a window.
    pub limit: u32,
    /// How long a window is.
    pub window: Window,
}

/// The rest of a user's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaState {
    /// Most tasks in the window.
    pub limit: u32,
    /// How many more tasks are allowed.
    pub remaining: u32,
    /// When the window ends and the count starts again.
    pub reset: Timestamp,
}

/// Most tasks of a user that may be pending or processing at a time, whatever the settings.
pub const MAX_ACTIVE_TASKS: u32 = 1_000;

/// Parses how many tasks of a user may be pending or processing at a time. The error
/// completes the sentence "it …".
pub fn parse_active_tasks(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(tasks @ 1..=MAX_ACTIVE_TASKS) => Ok(tasks),
        _ => Err(format!(
            "must be between 1 and {MAX_ACTIVE_TASKS}, not {text:?}"
        )),
    }
}

/// Parses `10/month`, `5/hour`, `20/day` or `unlimited` (None). The error
/// completes the sentence "the value …".
pub fn parse_rate_limit(text: &str) -> Result<Option<Quota>, String> {
    let text = text.trim();
    if text == "unlimited" {
        return Ok(None);
    }
    text.split_once('/')
        .and_then(|(limit, window)| {
            Some(Quota {
                limit: digits::number::<u32>(limit).filter(|limit| *limit >= 1)?,
                window: Window::of(window)?,
            })
        })
        .map(Some)
        .ok_or_else(|| "must be N/hour, N/day or N/month with N at least 1, or unlimited".into())
}

impl Window {
    /// The start of the window that contains `now`.
    pub fn start(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Hour => floor(now, HOUR),
            Self::Day => floor(now, DAY),
            Self::Month => midnight(first_of_month(now)).unwrap_or_default(),
        }
    }

    /// The start of the window after the one that contains `now`.
    pub fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Hour => floor(now, HOUR).plus(HOUR),
            Self::Day => floor(now, DAY).plus(DAY),
            Self::Month => first_of_month(now)
                .checked_add(1.month())
                .ok()
                .and_then(midnight)
                .unwrap_or(Timestamp(u64::MAX)), // after the year 9999
        }
    }
}

impl Quota {
    /// The state after `used` tasks in the window that contains `now`.
    pub fn state(self, used: u32, now: Timestamp) -> QuotaState {
        QuotaState {
            limit: self.limit,
            remaining: self.limit.saturating_sub(used),
            reset: self.window.end(now),
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit, self.window.as_str())
    }
}

fn floor(now: Timestamp, step: Duration) -> Timestamp {
    Timestamp::from_secs(now.as_secs() - now.as_secs() % step.as_secs())
}

fn first_of_month(now: Timestamp) -> Date {
    now.to_jiff()
        .to_zoned(TimeZone::UTC)
        .date()
        .first_of_month()
}

fn midnight(date: Date) -> Option<Timestamp> {
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    u64::try_from(midnight.as_microsecond()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp(u64::try_from(instant.as_microsecond()).unwrap())
    }

    #[test]
    fn windows_follow_the_calendar() {
        for (window, rest, cases) in [
            (
                Window::Hour,
                ":00:00Z",
                &[
                    ("2026-11-20T12:34:56Z", "2026-11-20T12", "2026-11-20T13"),
                    ("2026-12-31T23:59:59Z", "2026-12-31T23", "2027-01-01T00"),
                ][..],
            ),
            (
                Window::Day,
                "T00:00:00Z",
                &[
                    ("2026-11-20T12:34:56Z", "2026-11-20", "2026-11-21"),
                    ("2028-02-29T00:00:00Z", "2028-02-29", "2028-03-01"),
                ],
            ),
            (
                Window::Month,
                "-01T00:00:00Z",
                &[
                    ("2026-11-20T12:34:56Z", "2026-11", "2026-12"),
                    ("2026-11-01T00:00:00Z", "2026-11", "2026-12"),
                    ("2026-11-30T23:59:59.999999Z", "2026-11", "2026-12"),
                    ("2026-12-31T23:59:59Z", "2026-12", "2027-01"),
                    ("2027-02-28T23:59:59Z", "2027-02", "2027-03"),
                    ("2028-02-28T23:59:59Z", "2028-02", "2028-03"),
                    ("2100-02-28T23:59:59Z", "2100-02", "2100-03"),
                    ("1970-01-01T00:00:00Z", "1970-01", "1970-02"),
                ],
            ),
        ] {
            for (now, start, end) in cases {
                let full = |begin| at(&format!("{begin}{rest}"));
                assert_eq!(window.start(at(now)), full(start), "{now}");
                assert_eq!(window.end(at(now)), full(end), "{now}");
            }
        }
    }

    #[test]
    fn counts_down_to_nothing() {
        let quota = Quota {
            limit: 10,
            window: Window::Month,
        };
        let now = at("2026-11-20T12:00:00Z");
        for (used, remaining) in [(0, 10), (1, 9), (10, 0), (11, 0)] {
            let state = quota.state(used, now);
            let reset = at("2026-12-01T00:00:00Z");
            assert_eq!(
                state,
                QuotaState {
                    limit: 10,
                    remaining,
                    reset
                }
            );
        }
    }

    #[test]
    fn reads_the_setting() {
        let quota = |limit, window| Ok(Some(Quota { limit, window }));
        for (text, expected) in [
            ("10/month", quota(10, Window::Month)),
            ("1/day", quota(1, Window::Day)),
            ("4294967295/hour", quota(u32::MAX, Window::Hour)),
            (" 5/hour ", quota(5, Window::Hour)),
            ("unlimited", Ok(None)),
        ] {
            assert_eq!(parse_rate_limit(text), expected, "{text}");
        }
        for text in [
            "",
            "10",
            "/month",
            "0/month",
            "-1/month",
            "+1/month",
            "1.5/day",
            "10/year",
            "10/Month",
            "10 / month",
            "4294967296/hour",
            "10/month/",
            "Unlimited",
        ] {
            let reason = parse_rate_limit(text).expect_err(text);
            assert!(reason.contains("N/month"), "{text}: {reason}");
        }
    }

    #[test]
    fn at_least_one_task_may_be_active() {
        assert_eq!(parse_active_tasks("1"), Ok(1));
        assert_eq!(parse_active_tasks("1000"), Ok(1_000));
        for text in ["", "0", "1001", "-1", "1.5", "many"] {
            assert!(parse_active_tasks(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_window_contains_now(micros in 0..u64::MAX) {
            let now = Timestamp(micros);
            for window in Window::ALL {
                prop_assert!(window.start(now) <= now);
                prop_assert!(now < window.end(now));
            }
        }

        #[test]
        fn a_window_is_the_same_from_everywhere_in_it(seconds in 0u64..100 * 366 * 86_400) {
            let now = Timestamp::from_secs(seconds);
            for window in Window::ALL {
                let (start, end) = (window.start(now), window.end(now));
                prop_assert_eq!(window.start(start), start);
                prop_assert_eq!(window.start(Timestamp(end.0 - 1)), start);
                prop_assert_eq!(window.end(start), end);
                prop_assert_eq!(window.start(end), end);
            }
        }

        #[test]
        fn a_quota_reads_back(limit in 1..=u32::MAX, index in 0usize..3) {
            let quota = Quota { limit, window: Window::ALL[index] };
            prop_assert_eq!(parse_rate_limit(&quota.to_string()), Ok(Some(quota)));
        }

        #[test]
        fn a_setting_never_panics(text in any::<String>()) {
            let _ = parse_rate_limit(&text);
        }
    }
}
