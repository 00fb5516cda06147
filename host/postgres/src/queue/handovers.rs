//! Claims that a fetch has made for waiting workers of this host, until the workers
//! request them.
//!
//! Such a claim is like any other, and only the rows decide whether it is valid. This
//! module keeps only the answers.

use std::collections::HashMap;

use concept_refinement_domain::capability::{Claimed, Lease};
use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Handovers(Mutex<HashMap<String, Claimed>>);

impl Handovers {
    pub(crate) fn put(&self, claimed: Claimed) {
        let task_id = claimed.lease.task_id.clone();
        self.0.lock().insert(task_id, claimed);
    }

    /// The lease of a task's claim. If a user is given, only if the task is that user's.
    pub(crate) fn find(&self, task_id: &str, user_id: Option<&str>) -> Option<Lease> {
        let claims = self.0.lock();
        let claimed = claims.get(task_id)?;
        let is_theirs = user_id.is_none_or(|user_id| user_id == claimed.task.user_id);
        is_theirs.then(|| claimed.lease.clone())
    }

    /// Takes the claim with this lease: only one caller gets it.
    pub(crate) fn take(&self, lease: &Lease) -> Option<Claimed> {
        let mut claims = self.0.lock();
        let claimed = claims.get(&lease.task_id)?;
        match claimed.lease.attempt == lease.attempt {
            true => claims.remove(&lease.task_id),
            false => None,
        }
    }

    pub(crate) fn forget(&self, task_id: &str) {
        self.0.lock().remove(task_id);
    }
}
