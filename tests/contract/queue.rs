//! The promises of `task-queue`, from both its ends.

mod backlog;
pub mod delivery;
pub mod in_nats;
pub mod in_pubsub;
pub mod in_store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_domain::capability::ErrorKind;
use concept_refinement_tests::deadline::eventually;
use serde_json::json;
use uuid::Uuid;

/// How long a call may take where the server is away.
const FAULT: Duration = Duration::from_secs(3);

/// How long after its return it may take until it works.
const RETURN: Duration = Duration::from_secs(5);

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

/// Fails soon, so that the caller can be told.
async fn assert_away(queue: &impl TaskQueue) {
    for _ in 0..3 {
        let begin = Instant::now();
        let error = queue.publish(message().1).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
        assert!(begin.elapsed() < FAULT, "{:?}", begin.elapsed());
        let begin = Instant::now();
        let error = queue.check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
        assert!(begin.elapsed() < FAULT, "{:?}", begin.elapsed());
    }
}

async fn assert_back(queue: &impl TaskQueue) {
    eventually("the queue works again", RETURN, async || {
        queue.publish(message().1).await.ok()
    })
    .await;
    assert_eq!(queue.check().await, Ok(()));
}
