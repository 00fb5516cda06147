//! How often somebody may do something: a burst, then once in each interval.
//!
//! It must never take more room the more there are who do it.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Most of them that are tracked, about 4 MB. Beyond that, those who did least are
/// dropped.
const MAX_TRACKED: usize = 1 << 16;

/// How often somebody may do something.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How often in a burst.
    pub at_once: u32,
    /// After which time once more.
    pub interval: Duration,
}

/// For each of them the time when its burst is full again, since some beginning.
pub struct Buckets<K>(HashMap<K, Duration>);

impl<K: Eq + Hash> Buckets<K> {
    /// The error says after which time there is one again.
    pub fn take(&mut self, rate: Rate, who: K, now: Duration) -> Result<(), Duration> {
        let full = rate.interval.saturating_mul(rate.at_once);
        let before = self.0.get(&who).copied();
        let refilled = before.unwrap_or_default().max(now) + rate.interval;
        if let Some(wait) = refilled
            .checked_sub(now + full)
            .filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        if before.is_none() && self.0.len() >= MAX_TRACKED {
            self.forget(rate.interval, now);
        }
        self.0.insert(who, refilled);
        Ok(())
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&mut self, rate: Rate, who: &K) {
        if let Some(refilled) = self.0.get_mut(who) {
            *refilled = refilled.saturating_sub(rate.interval);
        }
    }

    /// Drops those whose burst is full again, then those that lack one, and so on
    /// until half of the space is free.
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
