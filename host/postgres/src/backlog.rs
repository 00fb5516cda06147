//! How many tasks wait.
//!
//! One row that counts them would make every commit wait for every other. So the
//! number is estimated, from a count each second, and counted exactly, one
//! submission after the other, only near the limit.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a count will do.
const MAX_AGE: Duration = Duration::from_secs(1);

/// How far from the limit the number has to be estimated, or a quarter of the
/// limit, whichever is more: what all hosts together may accept in [`MAX_AGE`].
const MARGIN: u64 = 1_000;

/// Every so many submissions, what has expired is removed.
const PRUNING_INTERVAL: u32 = 64;

#[derive(Debug, Default)]
pub(super) struct Backlog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counted: Option<(Instant, u64)>,
    submissions: u32,
}

/// What a submission has to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It is far from full.
    Skip,
    /// Whatever is counted now will do for a while.
    Count,
    /// It has to be counted while nobody else submits.
    Exact,
}

impl Backlog {
    pub(super) fn look(&self, max: u32) -> Look {
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

    pub(super) fn set_count(&self, pending: u64) {
        self.0.lock().counted = Some((Instant::now(), pending));
    }

    /// One more was accepted here.
    pub(super) fn accepted(&self) {
        let mut state = self.0.lock();
        state.submissions = state.submissions.wrapping_add(1);
        if let Some((_, pending)) = &mut state.counted {
            *pending = pending.saturating_add(1);
        }
    }

    pub(super) fn is_time_to_prune(&self) -> bool {
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
