//! The workers of this process that wait for a task, and what was claimed for them by
//! the step that created it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use concept_refinement_domain::capability::{Claimed, Lease};
use concept_refinement_domain::lease::renew_after;
use concept_refinement_domain::timestamp::Timestamp;

use crate::capability::queue::store::line::{Entry, Line, Reservation};
use crate::capability::tasks::handovers::Handovers;

#[derive(Default)]
pub(super) struct Workers {
    /// Where they wait. Nobody does once that is gone.
    line: Mutex<Weak<Line>>,
    handovers: Arc<Handovers>,
}

impl Workers {
    /// They wait there from now on.
    pub(super) fn wait_in(&self, line: &Arc<Line>) {
        *self.line() = Arc::downgrade(line);
    }

    /// What was claimed for them, until they ask.
    pub(super) fn handovers(&self) -> &Arc<Handovers> {
        &self.handovers
    }

    pub(super) fn reserve(&self) -> Option<Reservation> {
        let line = self.line().upgrade()?;
        line.reserve()
    }

    pub(super) fn hand_over(&self, claimed: Claimed, receiver: Reservation) {
        let entry = Entry {
            task_id: claimed.task.id.clone(),
            user_id: claimed.task.user_id.clone(),
        };
        self.handovers.put(claimed);
        receiver.hand(entry);
    }

    fn line(&self) -> MutexGuard<'_, Weak<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a lease that its worker asks for only now is as good as a new one: it lasts
/// until the worker, which counts from now, has renewed it.
pub(super) fn is_fresh(held: &Lease, lease: Duration, now: Timestamp) -> bool {
    held.until.since(now) + renew_after(lease) >= lease
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_fresh_until_it_should_have_been_renewed() {
        let lease = Duration::from_secs(30);
        let begin = Timestamp::from_secs(1_000);
        let held = Lease {
            task_id: String::new(),
            attempt: 1,
            until: begin.plus(lease),
            renew_after: 10_000,
        };
        for (age, fresh) in [(0, true), (10, true), (11, false), (30, false), (90, false)] {
            let now = begin.plus(Duration::from_secs(age));
            assert_eq!(is_fresh(&held, lease, now), fresh, "after {age} s");
        }
    }
}
