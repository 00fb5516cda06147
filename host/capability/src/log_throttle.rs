//! Limits log lines about faults that occur with every call: a full disk under load would
//! otherwise cause thousands of lines per second.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Shortest time between two lines about the same fault.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// The same for a loop that fails about once a second.
pub const LONG_INTERVAL: Duration = Duration::from_secs(60);

/// Logs a fault with the number of times it occurred since it was last logged: at most
/// once per second, or per minute with `every minute`.
#[macro_export]
macro_rules! log_throttled {
    ($level:ident, $($event:tt)+) => {
        $crate::log_throttled!($level every $crate::log_throttle::INTERVAL, $($event)+)
    };
    ($level:ident every minute, $($event:tt)+) => {
        $crate::log_throttled!($level every $crate::log_throttle::LONG_INTERVAL, $($event)+)
    };
    ($level:ident every $interval:expr, $message:literal $(, $($field:tt)+)?) => {{
        static FAULT: $crate::log_throttle::LogThrottle =
            $crate::log_throttle::LogThrottle::every($interval);
        if let Some(times) = FAULT.times() {
            tracing::$level!($($($field)+,)? times, $message);
        }
    }};
}

/// Decides when to log a fault. One per log statement.
#[derive(Debug)]
pub struct LogThrottle {
    silence: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    logged: Option<Instant>,
    since: u64,
}

impl LogThrottle {
    /// At least this long between two lines.
    pub const fn every(silence: Duration) -> Self {
        Self {
            silence,
            state: Mutex::new(State {
                logged: None,
                since: 0,
            }),
        }
    }

    /// Call at each fault. Returns how often it occurred since the last line,
    /// including now; None: do not log yet.
    pub fn times(&self) -> Option<u64> {
        self.times_at(Instant::now())
    }

    fn times_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock();
        state.since += 1;
        let is_silent = |logged| now.saturating_duration_since(logged) < self.silence;
        if state.logged.is_some_and(is_silent) {
            return None;
        }
        state.logged = Some(now);
        Some(std::mem::take(&mut state.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_once_a_second_with_how_often_it_came() {
        let (fault, longer) = (
            LogThrottle::every(INTERVAL),
            LogThrottle::every(LONG_INTERVAL),
        );
        let begin = Instant::now();
        for (milliseconds, times) in [
            (0, Some(1)),
            (1, None),
            (999, None),
            (1_000, Some(3)),
            (1_500, None),
            (10_000, Some(2)),
            (20_000, Some(1)),
        ] {
            let now = begin + Duration::from_millis(milliseconds);
            assert_eq!(fault.times_at(now), times, "at {milliseconds} ms");
            let now = begin + Duration::from_millis(milliseconds * 60);
            assert_eq!(longer.times_at(now), times, "at {milliseconds} * 60 ms");
        }
    }
}
