//! What is delivered, and what the task's user is told of it.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use super::{accepted, attempted, receiver, redeliver, refine, service, webhook};
use crate::shared::new_user;

#[tokio::test]
async fn the_end_of_a_task_is_told_with_all_that_the_api_answers() {
    for (prompt, status) in [("instant", "completed"), ("refuse: no", "failed")] {
        let client = new_user(service());
        let hook = receiver().hook([Reply::status(204)]);
        let id = accepted(&client, prompt, &hook).await;
        let told = attempted(&client, &id, 1).await;
        assert_eq!(told["url"], hook);
        assert_eq!(told["state"], "delivered", "{told}");
        assert_eq!(told["attempts"][0]["status"], 204, "{told}");
        assert_eq!(told["attempts"][0]["error"], Value::Null, "{told}");
        assert_eq!(told["next_attempt_at"], Value::Null, "{told}");

        let deliveries = receiver().deliveries(&hook);
        let [delivery] = &deliveries[..] else {
            panic!("{deliveries:?}");
        };
        assert_eq!(delivery.method, "POST");
        let task = client.task(&id).await;
        assert_eq!(task["status"], status);
        let expected = json!({
            "type": format!("task.{status}"),
            "timestamp": task["completed_at"],
            "data": task,
        });
        assert_eq!(delivery.json(), expected);
        let body = String::from_utf8(delivery.body.clone()).unwrap();
        assert!(body.starts_with(r#"{"type":"task."#), "{body}");
        let header = |name| delivery.header(name).unwrap();
        assert_eq!(header("webhook-id"), format!("msg_{id}"));
        let seconds: u64 = header("webhook-timestamp").parse().unwrap();
        let at = super::seconds(&told["attempts"][0]["at"]);
        assert!((at - 1.0..=at + 5.0).contains(&(seconds as f64)), "{told}");
        assert!(header("webhook-signature").starts_with("v1,"));
        // What tells the host what a request is for stays within it.
        assert_eq!(delivery.header("concept-refinement-purpose"), None);
    }
}

#[tokio::test]
async fn before_the_end_nothing_is_told_and_nothing_is_due() {
    let client = new_user(service());
    let hook = receiver().hook([Reply::status(200)]);
    let id = accepted(&client, "wait 2000ms", &hook).await;
    client.task_is(&id, "processing").await;
    let expected = json!({
        "url": hook, "state": "pending", "attempts": [], "next_attempt_at": null
    });
    assert_eq!(webhook(&client, &id).await, expected);
    assert_eq!(redeliver(&client, &id).await, 409);
    assert!(receiver().deliveries(&hook).is_empty());
    attempted(&client, &id, 1).await;
}

#[tokio::test]
async fn a_delivery_is_sent_again_on_request_with_the_same_id() {
    let client = new_user(service());
    let hook = receiver().hook([Reply::status(200), Reply::status(503), Reply::status(201)]);
    let id = accepted(&client, "instant", &hook).await;
    let states = ["delivered", "failed", "delivered"];
    for (number, state) in states.iter().enumerate() {
        let told = attempted(&client, &id, number + 1).await;
        assert_eq!(told["state"], *state, "{told}");
        assert_eq!(told["next_attempt_at"], Value::Null, "{told}");
        if number + 1 < states.len() {
            assert_eq!(redeliver(&client, &id).await, 202);
        }
    }
    let deliveries = receiver().deliveries(&hook);
    let ids: Vec<_> = deliveries
        .iter()
        .map(|delivery| delivery.header("webhook-id").unwrap())
        .collect();
    let expected = format!("msg_{id}");
    assert_eq!(ids, [expected.as_str(); 3]);
}

#[tokio::test]
async fn a_deleted_task_is_not_told() {
    let client = new_user(service());
    let hook = receiver().hook([Reply::status(500)]);
    let id = accepted(&client, "wait 1000ms", &hook).await;
    client.task_is(&id, "processing").await;
    assert_eq!(client.delete(&format!("/api/tasks/{id}")).await.status, 204);
    let answer = client.get(&format!("/api/tasks/{id}/webhook")).await;
    assert_eq!(answer.status, 404);

    // Nor is one that is deleted between two attempts.
    let id = accepted(&client, "instant", &hook).await;
    attempted(&client, &id, 1).await;
    assert_eq!(client.delete(&format!("/api/tasks/{id}")).await.status, 204);
    // A later one is told twice, by which time the deleted ones would have been.
    let other = receiver().hook([Reply::status(500), Reply::status(200)]);
    let last = accepted(&client, "instant", &other).await;
    attempted(&client, &last, 2).await;
    assert_eq!(receiver().deliveries(&hook).len(), 1);
}

/// Its image is gone, and the task still reads.
#[tokio::test]
async fn a_concept_that_was_deleted_has_no_image_to_tell_of() {
    let client = new_user(service());
    let hook = receiver().hook([Reply::status(200)]);
    let id = accepted(&client, "instant", &hook).await;
    attempted(&client, &id, 1).await;
    let task = client.task(&id).await;
    let concept = task["result_id"].as_str().unwrap();
    let deleted = client.delete(&format!("/api/concepts/{concept}")).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(redeliver(&client, &id).await, 202);
    attempted(&client, &id, 2).await;
    let deliveries = receiver().deliveries(&hook);
    let data = &deliveries[1].json()["data"];
    assert_eq!(data["result_id"], concept);
    assert_eq!(data["image_url"], Value::Null);
}

/// Where no public URL is configured.
#[tokio::test]
async fn the_image_is_on_the_origin_that_the_request_came_to() {
    let client = new_user(service());
    let port = service().url().rsplit(':').next().unwrap();
    let origin = format!("http://localhost:{port}");
    let there = client.with("host", &format!("localhost:{port}"));
    let hook = receiver().hook([Reply::status(200)]);
    let answer = refine(&there, "instant", &hook).await;
    attempted(&client, &answer.task_id(), 1).await;
    let delivery = receiver().deliveries(&hook).remove(0).json();
    let url = delivery["data"]["image_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{origin}/api/images/")), "{url}");
    let path = url.strip_prefix(&origin).unwrap();
    let anybody = concept_refinement_tests::client::Client::new(service().url());
    eventually("the image is there", SOON, async || {
        (anybody.get(path).await.status == 200).then_some(())
    })
    .await;
}
