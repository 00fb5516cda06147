//! The schedule of attempts.

use std::time::Duration;

use crate::retry::bounded;

/// Delays between the end of an attempt and the next one: Svix's schedule
/// (<https://docs.svix.com/retries>). The first attempt is made at once; the last wait is
/// followed by the last attempt.
pub const WAITS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(10),
];

/// Fraction by which a wait may be longer, so that deliveries that failed together are
/// not retried together.
const SPREAD: f64 = 0.1;

/// The longest delay that a receiver can request.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The wait after a failed attempt, if `waits` waits have passed before. `jitter` is from
/// 0 to 1. None: it was the last attempt.
pub fn wait(waits: u32, retry_after: Option<Duration>, jitter: f64) -> Option<Duration> {
    let index = usize::try_from(waits).unwrap_or(usize::MAX);
    let wait = WAITS.get(index)?.mul_f64(1.0 + SPREAD * bounded(jitter));
    Some(wait.max(retry_after.unwrap_or_default().min(LONGEST_WAIT)))
}
