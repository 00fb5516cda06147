//! What is delivered, and what the task's user is told of it.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use super::{accepted, attempted, receiver, service};
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

/// Where no public URL is configured.
#[tokio::test]
async fn the_image_is_on_the_origin_that_the_request_came_to() {
    let client = new_user(service());
    let port = service().url().rsplit(':').next().unwrap();
    let origin = format!("http://localhost:{port}");
    let there = client.with("host", &format!("localhost:{port}"));
    let hook = receiver().hook([Reply::status(200)]);
    let id = accepted(&there, "instant", &hook).await;
    attempted(&client, &id, 1).await;
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
