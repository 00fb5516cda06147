//! What a deletion means for a task that has not begun.

use concept_refinement_tests::pictures;

use crate::shared::{busy, new_user, scripted_launch};

/// The original may go before the task gets to it.
#[tokio::test]
async fn an_original_that_is_deleted_meanwhile_fails_its_task() {
    let service = scripted_launch().set("concurrency", "1").start();
    let (_, _, gate) = busy(&service).await;
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
