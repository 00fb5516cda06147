//! Limits the lines about one fault that any client can cause.

use std::cell::Cell;
use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

/// Decides when an instance writes the next line about a fault.
pub struct Warnings {
    interval: Duration,
    warned: Cell<Option<Timestamp>>,
    since: Cell<u64>,
}

impl Warnings {
    /// At least this long between two lines.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            warned: Cell::default(),
            since: Cell::default(),
        }
    }

    /// Counts the fault. Returns how often it occurred since the last line, if it is time for
    /// another one.
    pub fn count(&self, now: Timestamp) -> Option<u64> {
        let times = self.since.get() + 1;
        let is_silent = |warned: Timestamp| (warned..warned.plus(self.interval)).contains(&now);
        if self.warned.get().is_some_and(is_silent) {
            self.since.set(times);
            return None;
        }
        self.warned.set(Some(now));
        self.since.set(0);
        Some(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_once_an_interval_with_how_often_it_came() {
        let warnings = Warnings::every(Duration::from_secs(60));
        for (second, expected) in [
            (100, Some(1)),
            (100, None),
            (159, None),
            (160, Some(3)),
            (400, Some(1)),
            // The clock was set back.
            (399, Some(1)),
        ] {
            let told = warnings.count(Timestamp::from_secs(second));
            assert_eq!(told, expected, "at {second}");
        }
    }
}
