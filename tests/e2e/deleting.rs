//! Forgetting tasks and concepts.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use crate::shared::{new_user, origin, scripted};

async fn delete(client: &Client, path: &str) {
    let answer = client.delete(path).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
    assert_eq!(client.get(path).await.status, 404, "{path}");
    assert_eq!(client.delete(path).await.status, 404, "{path}, again");
}

/// Work under way for a deleted task stores nothing visible, and its user may
/// submit again at once.
#[tokio::test]
async fn a_task_that_is_under_way_can_be_deleted() {
    let client = new_user(scripted());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let id = client.accepted(&url, "echo it").await;
    client.task_is(&id, "processing").await;
    delete(&client, &format!("/api/tasks/{id}")).await;
    let original = origin().picture(&pictures::png(8, 8));
    let next = client.accepted(&original, "echo it").await;
    gate.open();
    assert_eq!(client.finished(&next).await["status"], "completed");
    // The second began after the first went on: once two more are finished, so
    // is the first.
    client.refined(&original, "echo it").await;
    let concepts = client.get("/api/concepts").await.json();
    let tasks = client.get("/api/tasks").await.json();
    assert_eq!(concepts["concepts"].as_array().unwrap().len(), 2);
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_finished_task_is_forgotten_and_its_concept_stays() {
    let client = new_user(scripted());
    let url = origin().picture(&pictures::png(8, 8));
    let task = client.refined(&url, "echo it").await;
    let id = task["task_id"].as_str().unwrap();
    let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
    delete(&client, &format!("/api/tasks/{id}")).await;
    let kept = client.get(&concept).await.json();
    assert_eq!(kept["task_id"], id);
    let image = Client::new(client.base());
    let image = image.get(kept["image_url"].as_str().unwrap()).await;
    assert_eq!(image.status, 200);

    let missing = origin().serve(Reply::status(404));
    let failed = client.refined(&missing, "echo it").await;
    let id = failed["task_id"].as_str().unwrap();
    delete(&client, &format!("/api/tasks/{id}")).await;
    assert_eq!(client.get("/api/tasks").await.json()["tasks"], json!([]));
    let again = client.refined(&url, "echo it").await;
    assert_eq!(again["status"], "completed", "{again}");
}

#[tokio::test]
async fn a_concept_goes_with_its_image_and_its_task_still_reads() {
    let client = new_user(scripted());
    let url = origin().picture(&pictures::png(8, 8));
    let task = client.refined(&url, "echo it").await;
    let image_url = task["image_url"].as_str().unwrap();
    let result_id = task["result_id"].as_str().unwrap();
    delete(&client, &format!("/api/concepts/{result_id}")).await;

    let mut expected = task.clone();
    expected["image_url"] = Value::Null;
    let id = task["task_id"].as_str().unwrap();
    assert_eq!(client.task(id).await, expected);
    assert_eq!(client.get(image_url).await.status, 404);
    assert_eq!(Client::new(client.base()).get(image_url).await.status, 404);
    let concepts = client.get("/api/concepts").await.json();
    assert_eq!(concepts["concepts"], json!([]));
    let again = client.refine(image_url, "echo it").await;
    assert_eq!(again.status, 404, "it is no original any more");
}

/// The original may go before the task gets to it.
#[tokio::test]
async fn an_original_that_is_deleted_meanwhile_fails_its_task() {
    let service = crate::shared::scripted_launch()
        .set("concurrency", "1")
        .start();
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
