//! What a deletion means for a task that has not begun.

use concept_refinement_tests::pictures;

use crate::shared::{new_user, origin, scripted_launch};

/// The original may go before the task gets to it.
#[tokio::test]
async fn an_original_that_is_deleted_meanwhile_fails_its_task() {
    let service = scripted_launch().set("concurrency", "1").start();
    let first = new_user(&service);
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let busy = first.accepted(&url, "echo it").await;
    first.task_is(&busy, "processing").await;

    let client = new_user(&service);
    let original = client.uploaded(&pictures::png(8, 8)).await;
    let id = client.accepted(&original, "echo it").await;
    assert_eq!(client.delete(&original).await.status, 204);
    gate.open();
    let task = client.finished(&id).await;
    let message = task["error_message"].as_str().unwrap();
    let expected = "Error in refinement task processing: Failed to download original image: ";
    assert!(message.starts_with(expected), "{message}");
}
