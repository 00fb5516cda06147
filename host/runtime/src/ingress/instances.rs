//! Instances of the API component: what they share, and their limits.
//!
//! Requests that share an instance fail together, so none may compute for long; that is
//! why models run elsewhere. An instance ends when it is idle, and after many requests,
//! since a guest's memory never shrinks. Event streams do not block an instance, which
//! serves other requests meanwhile, so many watchers share few instances.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::log_throttled;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Store;

use super::long_poll::LongPoll;
use crate::wasm::bindings::api::ApiPre;
use crate::wasm::sandbox::{Grants, Sandbox};

/// Most requests that an instance serves at a time.
pub(super) const MAX_CONCURRENT_REQUESTS: usize = 64;

/// Limit of requests that only wait; these do not count toward
/// the limit above.
pub(super) const MAX_LONG_POLLS: usize = 1024;

/// Requests after which an instance is replaced.
pub(super) const MAX_REQUESTS: usize = 100_000;

/// An instance is replaced only if this many slots are free, since the old one keeps its
/// slot until its last event stream ends.
pub(super) const MIN_FREE_SLOTS: usize = 32;

/// How long an idle instance lives.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request may go without progress before it times out. Receiving a slow
/// request body is progress; sending the answer's body does not count.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Everything that is needed to create an instance.
pub struct ApiInstances {
    /// The component, linked.
    pub pre: ApiPre<Sandbox>,
    /// The grants of the instances.
    pub grants: Grants,
    /// How long a task may take, which some requests wait for.
    pub task_timeout: Duration,
    /// Limit of instances; the pool has room for other components too.
    pub slots: Arc<Semaphore>,
}

impl ApiInstances {
    /// Starts an instance once, since only that compares the types of the component's
    /// exports. A component of another release may have the same names with other types.
    pub async fn check(&self) -> wasmtime::Result<()> {
        let mut store = self.store();
        self.pre.instantiate_async(&mut store).await.map(drop)
    }

    /// A slot for one more instance, which is released with it.
    pub(super) fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    pub(super) fn store(&self) -> Store<Sandbox> {
        Sandbox::store(self.pre.engine(), &self.grants)
    }
}

/// How long a request may go without progress before it times out. One that waits for its
/// task makes none while the task is under way.
pub(super) fn request_timeout(long_poll: Option<LongPoll>, task_timeout: Duration) -> Duration {
    match long_poll {
        Some(LongPoll::TaskEnd) => task_timeout.saturating_add(REQUEST_TIMEOUT),
        Some(LongPoll::Result) | None => REQUEST_TIMEOUT,
    }
}

/// Whether an instance that has served this many requests should be replaced.
pub(super) fn is_recycled(requests: usize, slot: &OwnedSemaphorePermit) -> bool {
    requests >= MAX_REQUESTS && slot.semaphore().available_permits() >= MIN_FREE_SLOTS
}

/// Logs how an instance ended. `stopping`: failures are due to the shutdown.
pub(super) fn log_end(store: &Store<Sandbox>, result: Result<(), wasmtime::Error>, stopping: bool) {
    match result {
        Err(error) if !stopping => {
            let printed = store.data().printed();
            log_throttled!(
                error,
                "an instance of the api ended early",
                error = format!("{error:#}"),
                printed
            );
        }
        Ok(()) | Err(_) => {
            log_printed(store.data());
            tracing::debug!("an instance of the api ended");
        }
    }
}

/// Logs what an instance printed; called beside each request and at its end. Lines that
/// may not be logged yet are kept for the next call.
pub(super) fn log_printed(instance: &Sandbox) {
    if instance.has_printed() {
        log_throttled!(warn, "the api said", printed = instance.printed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_waits_for_a_task_gets_its_time() {
        let hours = Duration::from_secs(6 * 60 * 60);
        for (long_poll, expected) in [
            (None, REQUEST_TIMEOUT),
            (Some(LongPoll::Result), REQUEST_TIMEOUT),
            (Some(LongPoll::TaskEnd), hours + REQUEST_TIMEOUT),
        ] {
            assert_eq!(request_timeout(long_poll, hours), expected, "{long_poll:?}");
        }
    }
}
