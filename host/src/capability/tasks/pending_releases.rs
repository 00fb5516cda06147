//! Leases that could not be released because the store could not be written.
//!
//! Such a lease would expire, which counts as a death of the worker, so that a
//! disk that is often full would fail a healthy task. Therefore it is released
//! before its task is claimed again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use concept_refinement_domain::capability::{CapabilityError, Lease};

use crate::capability::tasks;

/// Most remembered leases; beyond that the oldest is dropped, since its task
/// may have been deleted or finished elsewhere.
const MAX_LEASES: usize = 10_000;

/// Leases to give back, by their tasks.
#[derive(Default)]
pub struct PendingReleases(Mutex<Leases>);

impl PendingReleases {
    /// Releases a lease, or remembers it if that fails or is broken off. A lost or
    /// released lease is not remembered.
    pub async fn release(
        &self,
        tasks: &dyn tasks::Leases,
        lease: Lease,
    ) -> Result<(), CapabilityError> {
        self.leases().add(lease.clone());
        let released = tasks.release(&lease).await;
        if !released.as_ref().is_err_and(CapabilityError::is_repeatable) {
            self.leases().remove(&lease);
        }
        released.map(|_| ())
    }

    /// Releases the remembered lease of a task, if any.
    pub async fn retry(
        &self,
        tasks: &dyn tasks::Leases,
        task_id: &str,
    ) -> Result<(), CapabilityError> {
        let left = self.leases().find(task_id);
        match left {
            Some(lease) => self.release(tasks, lease).await,
            None => Ok(()),
        }
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Leases {
    /// Leases with their sequence numbers, by task id.
    by_task: HashMap<String, (u64, Lease)>,
    /// Task ids by sequence number, oldest first.
    in_order: BTreeMap<u64, String>,
    next: u64,
}

impl Leases {
    fn add(&mut self, lease: Lease) {
        self.take(&lease.task_id);
        if self.by_task.len() >= MAX_LEASES
            && let Some((_, oldest)) = self.in_order.pop_first()
        {
            self.by_task.remove(&oldest);
        }
        self.in_order.insert(self.next, lease.task_id.clone());
        self.by_task
            .insert(lease.task_id.clone(), (self.next, lease));
        self.next += 1;
    }

    fn find(&self, task_id: &str) -> Option<Lease> {
        let (_, lease) = self.by_task.get(task_id)?;
        Some(lease.clone())
    }

    /// Unless there is a later one of its task.
    fn remove(&mut self, lease: &Lease) {
        let found = self.by_task.get(&lease.task_id);
        if found.is_some_and(|(_, found)| found.attempt == lease.attempt) {
            self.take(&lease.task_id);
        }
    }

    fn take(&mut self, task_id: &str) -> Option<Lease> {
        let (number, lease) = self.by_task.remove(task_id)?;
        self.in_order.remove(&number);
        Some(lease)
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::timestamp::Timestamp;

    use super::*;

    fn lease(task: usize, attempt: u32) -> Lease {
        Lease {
            task_id: task.to_string(),
            attempt,
            until: Timestamp(0),
            renew_after: 0,
        }
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut leases = Leases::default();
        for task in 0..MAX_LEASES {
            leases.add(lease(task, 1));
        }
        leases.add(lease(0, 2));
        for task in MAX_LEASES..MAX_LEASES + 10 {
            leases.add(lease(task, 1));
        }
        assert_eq!(leases.take("0"), Some(lease(0, 2)), "it was renewed");
        for task in 1..=10 {
            assert_eq!(leases.take(&task.to_string()), None, "{task}");
        }
        for task in 11..MAX_LEASES + 10 {
            let left = leases.take(&task.to_string());
            assert_eq!(left, Some(lease(task, 1)));
        }
        assert_eq!((leases.by_task.len(), leases.in_order.len()), (0, 0));
    }
}
