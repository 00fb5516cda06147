//! Leases that could not be released because the store could not be written.
//!
//! Such a lease would expire, which counts as a death of the worker, so that a disk that
//! is often full would make healthy tasks fail. Therefore it is released before its task
//! is claimed again.

use concept_refinement_capability::tasks;
use concept_refinement_domain::capability::{CapabilityError, Lease};
use lru::LruCache;
use parking_lot::Mutex;

/// Limit of remembered leases; beyond it the oldest is dropped, since its task may have
/// been deleted or finished elsewhere.
const MAX_LEASES: usize = 10_000;

/// Leases to be released, by task.
pub struct PendingReleases(Mutex<LruCache<String, Lease>>);

impl Default for PendingReleases {
    /// Allocates nothing until there are some.
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded()))
    }
}

impl PendingReleases {
    /// Releases a lease, or remembers it if that fails or is cancelled. A lost or
    /// released lease is not remembered.
    pub async fn release(
        &self,
        tasks: &dyn tasks::Leases,
        lease: Lease,
    ) -> Result<(), CapabilityError> {
        self.add(lease.clone());
        let released = tasks.release(&lease).await;
        if !released.as_ref().is_err_and(CapabilityError::is_repeatable) {
            self.remove(&lease);
        }
        released.map(|_| ())
    }

    /// Releases the remembered lease of a task, if any.
    pub async fn retry(
        &self,
        tasks: &dyn tasks::Leases,
        task_id: &str,
    ) -> Result<(), CapabilityError> {
        match self.find(task_id) {
            Some(lease) => self.release(tasks, lease).await,
            None => Ok(()),
        }
    }

    fn add(&self, lease: Lease) {
        let mut leases = self.0.lock();
        leases.put(lease.task_id.clone(), lease);
        if leases.len() > MAX_LEASES {
            leases.pop_lru();
        }
    }

    fn find(&self, task_id: &str) -> Option<Lease> {
        self.0.lock().peek(task_id).cloned()
    }

    /// Removes the lease, unless there is a later one for its task.
    fn remove(&self, lease: &Lease) {
        let mut leases = self.0.lock();
        let found = leases.peek(&lease.task_id);
        if found.is_some_and(|found| found.attempt == lease.attempt) {
            leases.pop(&lease.task_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicBool, Ordering};

    use concept_refinement_capability::Answer;
    use concept_refinement_domain::capability::{
        Claimed, Fenced, Finished, RefinedImage, TaskFailure,
    };
    use concept_refinement_domain::payment::Payment;
    use concept_refinement_domain::step::StepKind;
    use concept_refinement_domain::task::Stage;
    use concept_refinement_domain::timestamp::Timestamp;
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    use super::*;

    /// Fails, except for a release once it is back.
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

        fn fail<'a>(&'a self, _: &'a Lease, _: &'a TaskFailure) -> Answer<'a, Fenced> {
            pending().boxed()
        }

        fn pay<'a>(&'a self, _: &'a Lease, _: &'a Payment) -> Answer<'a, Fenced> {
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

        fn add_step(&self, _: &str, _: u32, _: StepKind, _: &str) {}

        fn revocation(&self, _: &str) -> BoxFuture<'static, ()> {
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
        assert_eq!(releases.find("1"), Some(lease(1, 1)));
        store.is_back.store(true, Ordering::Relaxed);
        releases.retry(&store, "1").await.unwrap();
        assert_eq!(releases.find("1"), None);
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
        let releases = PendingReleases::default();
        for task in 0..MAX_LEASES {
            releases.add(lease(task, 1));
        }
        releases.add(lease(0, 2));
        for task in MAX_LEASES..MAX_LEASES + 10 {
            releases.add(lease(task, 1));
        }
        assert_eq!(releases.find("0"), Some(lease(0, 2)), "it was renewed");
        for task in 1..=10 {
            assert_eq!(releases.find(&task.to_string()), None, "{task}");
        }
        for task in 11..MAX_LEASES + 10 {
            let left = releases.find(&task.to_string());
            assert_eq!(left, Some(lease(task, 1)));
        }
    }
}
