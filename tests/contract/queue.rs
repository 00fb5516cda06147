//! The promises of `task-queue`, from both its ends.

pub mod delivery;
pub mod in_store;

use std::sync::Arc;

use concept_refinement_host::capability::queue::TaskQueue;

/// A backend that takes part in the suite.
pub trait QueueBackend: Sized {
    /// An empty queue.
    fn start() -> Self;

    fn queue(&self) -> Arc<dyn TaskQueue>;

    /// The message of a new task, and the task's id.
    async fn message(&self) -> (String, Vec<u8>);
}
