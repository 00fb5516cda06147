//! Leases that the worker has done with and could not give back, since the
//! store could not be written.
//!
//! Left alone, such a lease would run out, and that counts as a death of its
//! worker: a disk that is full again and again would end a task that harmed
//! nobody. So it is given back before anything else is done to its task.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use concept_refinement_domain::capability::{CapabilityError, Lease};

use crate::capability::tasks::TaskStore;

/// One more is left alone.
const MOST: usize = 10_000;

/// By the id of the task.
#[derive(Default)]
pub struct Unreleased(Mutex<HashMap<String, Lease>>);

impl Unreleased {
    /// Gives a lease back, or remembers it. One that is lost or released
    /// already is none to remember.
    pub async fn give_back(
        &self,
        tasks: &dyn TaskStore,
        lease: Lease,
    ) -> Result<(), CapabilityError> {
        let released = tasks.release(&lease).await;
        let mut leases = self.leases();
        if released.as_ref().is_err_and(CapabilityError::is_repeatable) && leases.len() < MOST {
            leases.insert(lease.task_id.clone(), lease);
        }
        released.map(|_| ())
    }

    /// Gives back what is left of the task, if anything is.
    pub async fn settle(
        &self,
        tasks: &dyn TaskStore,
        task_id: &str,
    ) -> Result<(), CapabilityError> {
        let left = self.leases().remove(task_id);
        match left {
            Some(lease) => self.give_back(tasks, lease).await,
            None => Ok(()),
        }
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
