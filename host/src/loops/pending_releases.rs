//! Leases that could not be released because the store could not be written.
//!
//! Such a lease would expire, which counts as a death of the worker, so that a
//! disk that is often full would fail a healthy task. Therefore it is released
//! before its task is claimed again.

use std::collections::{BTreeMap, HashMap};

use concept_refinement_domain::capability::{CapabilityError, Lease};
use parking_lot::Mutex;

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
        self.0.lock().add(lease.clone());
        let released = tasks.release(&lease).await;
        if !released.as_ref().is_err_and(CapabilityError::is_repeatable) {
            self.0.lock().remove(&lease);
        }
        released.map(|_| ())
    }

    /// Releases the remembered lease of a task, if any.
    pub async fn retry(
        &self,
        tasks: &dyn tasks::Leases,
        task_id: &str,
    ) -> Result<(), CapabilityError> {
        let left = self.0.lock().find(task_id);
        match left {
            Some(lease) => self.release(tasks, lease).await,
            None => Ok(()),
        }
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
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicBool, Ordering};

    use concept_refinement_domain::capability::{Claimed, Fenced, Finished, RefinedImage};
    use concept_refinement_domain::task::Stage;
    use concept_refinement_domain::timestamp::Timestamp;
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    use super::*;
    use crate::capability::Answer;

    /// Answers nothing, and a release once it is back.
    #[derive(Default)]
    struct Silent {
        is_back: AtomicBool,
    }

    impl tasks::Leases for Silent {
        fn claim<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
            pending().boxed()
        }

        fn renew<'a>(&'a self, _: &'a Lease) -> Answer<'a, Option<Lease>> {
            pending().boxed()
        }

        fn finish<'a>(&'a self, _: &'a Lease, _: RefinedImage) -> Answer<'a, Finished> {
            pending().boxed()
        }

        fn fail<'a>(&'a self, _: &'a Lease, _: Option<Stage>, _: &'a str) -> Answer<'a, Fenced> {
            pending().boxed()
        }

        fn release<'a>(&'a self, _: &'a Lease) -> Answer<'a, Fenced> {
            match self.is_back.load(Ordering::Relaxed) {
                true => ready(Ok(Fenced::Done)).boxed(),
                false => pending().boxed(),
            }
        }

        fn progress<'a>(&'a self, _: &'a Lease, _: Stage) -> Answer<'a, ()> {
            pending().boxed()
        }

        fn deletion(&self, _: &str) -> BoxFuture<'static, ()> {
            pending().boxed()
        }
    }

    #[tokio::test]
    async fn a_release_that_is_broken_off_is_remembered() {
        let (releases, store) = (PendingReleases::default(), Silent::default());
        assert!(
            releases
                .release(&store, lease(1, 1))
                .now_or_never()
                .is_none()
        );
        assert!(releases.retry(&store, "1").now_or_never().is_none());
        assert_eq!(releases.0.lock().find("1"), Some(lease(1, 1)));
        store.is_back.store(true, Ordering::Relaxed);
        releases.retry(&store, "1").await.unwrap();
        assert_eq!(releases.0.lock().find("1"), None);
    }

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
