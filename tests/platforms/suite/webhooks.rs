//! Being told of the end of a task.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use crate::Platform;
use concept_refinement_tests::platform::{new_user, origin, receiver, scripted};

/// What came of the webhook, once so many attempts were made. To ask for it may be
/// what makes the next one.
async fn attempted(user: &Client, id: &str, attempts: usize) -> Value {
    eventually(&format!("{attempts} attempts"), SOON, async || {
        let webhook = user.get(&format!("/api/tasks/{id}/webhook")).await.json();
        let made = webhook["attempts"].as_array().unwrap().len();
        assert!(made <= attempts, "{webhook}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        (made == attempts).then_some(webhook)
    })
    .await
}

pub async fn a_receiver_that_fails_is_told_again<P: Platform>() {
    let user = new_user(scripted::<P>());
    let hook = receiver().hook([Reply::status(500), Reply::status(200)]);
    let body = json!({
        "original_image_url": origin().picture(&pictures::png(8, 8)),
        "refinement_prompt": "echo it",
        "webhook_url": hook,
    });
    let id = user.submitted(&body).await;
    let webhook = attempted(&user, &id, 1).await;
    assert_eq!(webhook["state"], "pending", "{webhook}");
    assert_eq!(webhook["attempts"][0]["status"], 500, "{webhook}");
    assert!(webhook["next_attempt_at"].is_string(), "{webhook}");
    let webhook = attempted(&user, &id, 2).await;
    assert_eq!(webhook["state"], "delivered", "{webhook}");

    let again = format!("/api/tasks/{id}/webhook/redeliver");
    assert_eq!(user.post(&again, &json!({})).await.status, 202);
    let webhook = attempted(&user, &id, 3).await;
    assert_eq!(webhook["state"], "delivered", "{webhook}");
    let deliveries = receiver().deliveries(&hook);
    assert_eq!(deliveries.len(), 3, "{deliveries:?}");
    for delivery in deliveries {
        let header = |name| delivery.header(name).unwrap();
        assert_eq!(header("webhook-id"), format!("msg_{id}"));
        assert!(header("webhook-signature").starts_with("v1,"));
        assert_eq!(delivery.json()["data"]["task_id"], id);
    }
}
