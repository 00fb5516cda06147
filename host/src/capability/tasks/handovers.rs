//! Tasks that were claimed by the step which submitted or fetched them, since a worker
//! of this host waited for one: each costs a commit less.
//!
//! Such a claim is one like any other, and the rows alone decide what it is worth.
//! What is here is only its answer, until the worker asks for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use concept_refinement_domain::capability::{Claimed, Lease};
use concept_refinement_domain::message;

/// The claims that workers have still to ask for.
#[derive(Debug, Default)]
pub(in crate::capability) struct Handovers(Mutex<HashMap<String, Claimed>>);

impl Handovers {
    pub(in crate::capability) fn put(&self, claimed: Claimed) {
        let task_id = claimed.lease.task_id.clone();
        self.claims().insert(task_id, claimed);
    }

    /// The claim of a task, once. If a user is given, only of a task of that user.
    pub(in crate::capability) fn take(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Option<Claimed> {
        let mut claims = self.claims();
        let claimed = claims.get(task_id)?;
        if user_id.is_some_and(|user_id| user_id != claimed.task.user_id) {
            return None;
        }
        claims.remove(task_id)
    }

    /// The message about a task whose claim is here.
    pub(in crate::capability) fn message(&self, task_id: &str) -> Option<Vec<u8>> {
        let claims = self.claims();
        let claimed = claims.get(task_id)?;
        Some(message::message_for(&claimed.task))
    }

    /// The leases that nobody has asked for, and nobody will be given any more.
    pub(in crate::capability) fn take_all(&self) -> Vec<Lease> {
        let claims = std::mem::take(&mut *self.claims());
        claims.into_values().map(|claimed| claimed.lease).collect()
    }

    fn claims(&self) -> MutexGuard<'_, HashMap<String, Claimed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
