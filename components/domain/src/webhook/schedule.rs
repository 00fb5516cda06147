//! The schedule of attempts.

use std::time::Duration;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 60 * 60)
}

/// Delays between the end of an attempt and the next one: Svix's schedule
/// (<https://docs.svix.com/retries>). The first attempt is made at once; the last wait is
/// followed by the last attempt.
pub const WAITS: [Duration; 7] = [
    seconds(5),
    minutes(5),
    minutes(30),
    hours(2),
    hours(5),
    hours(10),
    hours(10),
];

/// Fraction by which a wait may be longer, so that deliveries that failed together are
/// not retried together.
const SPREAD: f64 = 0.1;

/// The longest delay that a receiver can request.
pub const LONGEST_WAIT: Duration = hours(24);

/// The wait after a failed attempt, if `waits` waits have passed before. `jitter` is from
/// 0 to 1. None: it was the last attempt.
pub fn wait(waits: u32, retry_after: Option<Duration>, jitter: f64) -> Option<Duration> {
    let index = usize::try_from(waits).unwrap_or(usize::MAX);
    let jitter = if jitter.is_finite() {
        jitter.clamp(0.0, 1.0)
    } else {
        0.5
    };
    let wait = WAITS.get(index)?.mul_f64(1.0 + SPREAD * jitter);
    Some(wait.max(retry_after.unwrap_or_default().min(LONGEST_WAIT)))
}
