//! Rate limits: a burst, then one more in each interval.
//!
//! Their memory must not grow without bound with the number of clients.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Limit of tracked keys, about 4 MB. Beyond it, the least active ones are dropped.
const MAX_TRACKED: usize = 1 << 16;

/// A rate limit.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Size of a burst.
    pub at_once: u32,
    /// Time until one more is allowed.
    pub interval: Duration,
}

/// For each key, when its burst will be full again. Times count from a common origin.
pub struct Buckets<K>(HashMap<K, Duration>);

impl<K: Eq + Hash> Buckets<K> {
    /// An error says how long to wait for the next one.
    pub fn take(&mut self, rate: Rate, who: K, now: Duration) -> Result<(), Duration> {
        let full = rate.interval.saturating_mul(rate.at_once);
        let before = self.0.get(&who).copied();
        let refilled = before.unwrap_or_default().max(now) + rate.interval;
        let wait = refilled.checked_sub(now + full);
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        if before.is_none() && self.0.len() >= MAX_TRACKED {
            self.forget(rate.interval, now);
        }
        self.0.insert(who, refilled);
        Ok(())
    }

    /// Gives back a permission that was not used.
    pub fn give_back(&mut self, rate: Rate, who: &K) {
        if let Some(refilled) = self.0.get_mut(who) {
            *refilled = refilled.saturating_sub(rate.interval);
        }
    }

    /// Drops the keys with a full burst, then those that lack one, and so on until half
    /// of the entries are free.
    fn forget(&mut self, interval: Duration, now: Duration) {
        let mut until = now;
        while self.0.len() > MAX_TRACKED / 2 {
            self.0.retain(|_, refilled| *refilled > until);
            until += interval;
        }
    }
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        at_once: 3,
        interval: Duration::from_secs(10),
    };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn some_at_once_and_then_one_in_each_interval() {
        let mut buckets = Buckets::default();
        for (at, expected) in [
            (100, Ok(())),
            (100, Ok(())),
            (100, Ok(())),
            (100, Err(10)),
            (105, Err(5)),
            (105, Err(5)),
            (110, Ok(())),
            (110, Err(10)),
            (1000, Ok(())),
            (1000, Ok(())),
            (1000, Ok(())),
            (1000, Err(10)),
        ] {
            let taken = buckets.take(RATE, "one", seconds(at));
            assert_eq!(taken, expected.map_err(seconds), "at {at}");
        }
        assert_eq!(buckets.take(RATE, "other", seconds(1000)), Ok(()));
    }

    #[test]
    fn many_take_no_more_room_and_the_worst_are_remembered() {
        let mut buckets = Buckets::default();
        let worst = u32::MAX;
        while buckets.take(RATE, worst, seconds(0)).is_ok() {}
        for number in 0..3 * MAX_TRACKED as u32 {
            assert_eq!(buckets.take(RATE, number, seconds(0)), Ok(()));
            assert!(buckets.0.len() <= MAX_TRACKED);
        }
        assert!(buckets.take(RATE, worst, seconds(0)).is_err());
    }
}
