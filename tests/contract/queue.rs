//! The promises of `task-queue`, from both its ends.

mod backlog;
pub mod delivery;
pub mod in_nats;
pub mod in_pubsub;
pub mod in_store;

use std::sync::Arc;

use concept_refinement_capability::queue::TaskQueue;
use serde_json::json;
use uuid::Uuid;

/// A backend that takes part in the suite.
pub trait QueueBackend: Sized {
    /// An empty queue.
    fn start() -> Self;

    fn queue(&self) -> Arc<dyn TaskQueue>;

    /// The message of a new task, and the task's id. A queue need not look at the task.
    async fn message(&self) -> (String, Vec<u8>) {
        message()
    }
}

/// A message for a queue that looks at no task, and the id in it.
pub fn message() -> (String, Vec<u8>) {
    let id = Uuid::new_v4().to_string();
    let message = json!({
        "task_id": id,
        "user_id": "ada",
        "refinement_prompt": "Make it lighter",
        "original_image_url": "https://example.com/a.png",
        "task_type": "concept_refinement",
    });
    (id, message.to_string().into_bytes())
}
