//! The workers of this process that wait for a task, and what was claimed for them by
//! the step that created it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use concept_refinement_domain::capability::{Claimed, Lease};
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
    /// They wait there from now on. What is claimed for them is found in the answer.
    pub(super) fn wait_in(&self, line: &Arc<Line>) -> Arc<Handovers> {
        *self.line() = Arc::downgrade(line);
        Arc::clone(&self.handovers)
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

    /// The task was deleted: nobody is to begin it.
    pub(super) fn forget(&self, task_id: &str) {
        self.handovers.take(task_id, None);
    }

    /// What was claimed for the worker that asks, if its lease has not run out yet.
    pub(super) fn claimed(
        &self,
        task_id: &str,
        user_id: Option<&str>,
        now: Timestamp,
    ) -> Option<Claimed> {
        let claimed = self.handovers.take(task_id, user_id)?;
        (claimed.lease.until > now).then_some(claimed)
    }

    /// The leases that no worker has asked for, nor will.
    pub(super) fn unasked(&self) -> Vec<Lease> {
        self.handovers.take_all()
    }

    fn line(&self) -> MutexGuard<'_, Weak<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
