//! The number of pending tasks.
//!
//! A row with a counter would make every commit wait for every other. So the number is
//! estimated from a count that is repeated each second. Only near the limit is it counted
//! exactly, by one submission at a time.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a count is used.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The number is counted exactly if it is this close to the limit, or within a quarter of
/// the limit, whichever is more. The margin covers what all hosts together may accept in
/// [`MAX_AGE`].
const MARGIN: u64 = 1_000;

/// Expired rows are removed once in this many submissions.
const PRUNING_INTERVAL: u32 = 64;

#[derive(Debug, Default)]
pub(crate) struct Backlog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counted: Option<(Instant, u64)>,
    submissions: u32,
}

/// Whether a submission has to count the pending tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// No: it is far from the limit.
    Skip,
    /// Yes, to refresh the estimate; a lock is not needed.
    Count,
    /// Yes, under a lock that keeps others from submitting.
    Exact,
}

impl Backlog {
    pub(crate) fn look(&self, max: u32) -> Look {
        let max = u64::from(max);
        let state = self.0.lock();
        match state.counted {
            _ if max <= MARGIN => Look::Exact,
            None => Look::Exact,
            Some((_, pending)) if pending.saturating_add(MARGIN.max(max / 4)) >= max => Look::Exact,
            Some((at, _)) if at.elapsed() > MAX_AGE => Look::Count,
            Some(_) => Look::Skip,
        }
    }

    pub(crate) fn set_count(&self, pending: u64) {
        self.0.lock().counted = Some((Instant::now(), pending));
    }

    /// Adds a task that this host accepted to the estimate.
    pub(crate) fn accepted(&self) {
        let mut state = self.0.lock();
        state.submissions = state.submissions.wrapping_add(1);
        if let Some((_, pending)) = &mut state.counted {
            *pending = pending.saturating_add(1);
        }
    }

    pub(crate) fn is_time_to_prune(&self) -> bool {
        self.0.lock().submissions.is_multiple_of(PRUNING_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_the_limit_each_submission_counts() {
        for (max, pending, expected) in [
            (2, Some(0), Look::Exact),
            (1_000, Some(0), Look::Exact),
            (10_000, None, Look::Exact),
            (10_000, Some(0), Look::Skip),
            (10_000, Some(7_499), Look::Skip),
            (10_000, Some(7_500), Look::Exact),
            (10_000, Some(20_000), Look::Exact),
            (2_000, Some(999), Look::Skip),
            (2_000, Some(1_000), Look::Exact),
            (u32::MAX, Some(1_000_000), Look::Skip),
        ] {
            let backlog = Backlog::default();
            if let Some(pending) = pending {
                backlog.set_count(pending);
            }
            assert_eq!(backlog.look(max), expected, "{pending:?} of {max}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_is_made_anew_each_second() {
        let backlog = Backlog::default();
        backlog.set_count(0);
        tokio::time::advance(MAX_AGE + Duration::from_millis(1)).await;
        assert_eq!(backlog.look(10_000), Look::Count);
        backlog.set_count(7_499);
        backlog.accepted();
        assert_eq!(backlog.look(10_000), Look::Exact);
    }
}
