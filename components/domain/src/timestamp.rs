//! Timestamps.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z. Stored as this number, displayed as RFC 3339.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This many seconds after the epoch.
    pub fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The time after this duration; saturates at the latest possible time.
    pub fn plus(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// The time since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// As a calendar time; saturates at the last one that jiff supports (in the year
    /// 9999).
    pub(crate) fn to_jiff(self) -> jiff::Timestamp {
        i64::try_from(self.0)
            .ok()
            .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
            .unwrap_or(jiff::Timestamp::MAX)
    }
}

/// RFC 3339 in UTC with microseconds: `2026-11-20T12:00:00.123456Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_jiff())
    }
}

/// RFC 3339, with any offset. Fails for a time before 1970.
impl FromStr for Timestamp {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let time: jiff::Timestamp = text.parse().map_err(drop)?;
        u64::try_from(time.as_microsecond()).map(Self).map_err(drop)
    }
}

/// As text in JSON.
pub fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// As text in JSON, or null.
pub fn rfc3339_or_null<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_written_in_utc_with_microseconds() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_795_176_000_123_456, "2026-11-20T12:00:00.123456Z"),
            (1_795_176_000_000_000, "2026-11-20T12:00:00.000000Z"),
            (1_835_395_199_999_999, "2028-02-28T23:59:59.999999Z"),
            (u64::MAX, "9999-12-30T22:00:00.999999Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), text);
        }
    }

    #[test]
    fn is_read_with_any_offset() {
        for (text, expected) in [
            (
                "2026-11-20T12:00:00.123456Z",
                Ok(Timestamp(1_795_176_000_123_456)),
            ),
            (
                "2026-11-20T13:00:00+01:00",
                Ok(Timestamp(1_795_176_000_000_000)),
            ),
            ("1969-12-31T23:59:59Z", Err(())),
            ("2026-11-20", Err(())),
            ("yesterday", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }

    #[test]
    fn sums_do_not_overflow() {
        let now = Timestamp::from_secs(10);
        assert_eq!(now.plus(Duration::from_millis(1)), Timestamp(10_001_000));
        assert_eq!(now.plus(Duration::MAX), Timestamp(u64::MAX));
        assert_eq!(Timestamp::from_secs(u64::MAX), Timestamp(u64::MAX));
        assert_eq!(now.since(Timestamp::from_secs(4)), Duration::from_secs(6));
        assert_eq!(now.since(Timestamp::from_secs(11)), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn texts_sort_as_times_do(a in 0u64..253_370_000_000_000_000, b in 0u64..253_370_000_000_000_000) {
            let (earlier, later) = (Timestamp(a).to_string(), Timestamp(b).to_string());
            prop_assert_eq!(earlier.len(), 27);
            prop_assert_eq!(a.cmp(&b), earlier.cmp(&later));
        }
    }
}
