//! Webhooks as the API shows them: asked for, inspected, requested again, and the
//! key of each user.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Service;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shared::{new_user, origin, scripted_launch};

const HOOK: &str = "https://receiver.example/hook";

fn refinement(url: &str, webhook_url: &Value) -> Value {
    json!({
        "original_image_url": url,
        "refinement_prompt": "echo it",
        "webhook_url": webhook_url,
    })
}

async fn submit(client: &Client, url: &str, webhook_url: &Value) -> Answer {
    let body = refinement(url, webhook_url);
    client.post("/api/concepts/refine", &body).await
}

async fn redeliver(client: &Client, id: &str) -> Answer {
    let path = format!("/api/tasks/{id}/webhook/redeliver");
    client.send(Method::POST, &path, "").await
}

#[tokio::test]
async fn a_webhook_is_shown_to_its_user_until_its_task_is_deleted() {
    let service = scripted_launch().start();
    let (ada, bob) = (new_user(&service), new_user(&service));
    let (slow, gate) = origin().gated(&pictures::png(8, 8));
    let accepted = submit(&ada, &slow, &json!(HOOK)).await;
    assert_eq!(accepted.status, 202);
    let metadata = accepted.json()["metadata"].clone();
    assert_eq!(metadata.as_object().unwrap().len(), 4, "{metadata}");
    let id = accepted.task_id();
    ada.task_is(&id, "processing").await;
    let path = format!("/api/tasks/{id}/webhook");
    let expected = json!({
        "url": HOOK,
        "state": "pending",
        "attempts": [],
        "next_attempt_at": null,
    });
    assert_eq!(ada.get(&path).await.json(), expected);
    assert_eq!(redeliver(&ada, &id).await.status, 409);
    assert_eq!(bob.get(&path).await.status, 404);
    assert_eq!(redeliver(&bob, &id).await.status, 404);
    assert_eq!(ada.without("authorization").get(&path).await.status, 401);
    gate.open();
    ada.finished(&id).await;
    let ended = ada.get(&path).await;
    assert_eq!((ended.status, &ended.json()["url"]), (200, &json!(HOOK)));
    ada.delete(&format!("/api/tasks/{id}")).await;
    assert_eq!(ada.get(&path).await.status, 404);
    assert_eq!(redeliver(&ada, &id).await.status, 404);
}

#[tokio::test]
async fn without_a_webhook_there_is_none_to_show() {
    let service = scripted_launch().start();
    let client = new_user(&service);
    let url = origin().picture(&pictures::png(8, 8));
    let accepted = submit(&client, &url, &Value::Null).await;
    assert_eq!(accepted.status, 202);
    let id = accepted.task_id();
    client.finished(&id).await;
    let path = format!("/api/tasks/{id}/webhook");
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(redeliver(&client, &id).await.status, 404);
    for path in ["/api/tasks/1/webhook", "/api/tasks/1/webhook/redeliver"] {
        let wrong = match path.ends_with("webhook") {
            true => Method::DELETE,
            false => Method::GET,
        };
        assert_eq!(client.send(wrong, path, "").await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn only_what_may_be_told_is_accepted() {
    let receiver = origin().authority();
    let service = scripted_launch()
        .set("allow-webhooks", "receiver.internal")
        .start();
    let url = origin().picture(&pictures::png(8, 8));
    let long = format!("https://example.com/{}", "ä".repeat(2_029));
    let client = new_user(&service);
    for (webhook, problem) in [
        (
            json!("http://receiver.example/hook"),
            "must be an https URL",
        ),
        (json!("ftp://receiver.example/hook"), "must be an https URL"),
        (json!("receiver.example"), "must be an https URL"),
        (json!(""), "must be an https URL"),
        (json!(["https://receiver.example"]), "must be a string"),
        (json!(long), "must be at most 2048 characters"),
        (
            json!("https://ada:secret@receiver.example/"),
            "must not contain user information",
        ),
        (
            json!(format!("http://{receiver}/hook")),
            "must point to a public address",
        ),
        (
            json!("https://0x7f.1/hook"),
            "must point to a public address",
        ),
        (
            json!("https://169.254.169.254/latest"),
            "must point to a public address",
        ),
        (
            json!("https://localhost./hook"),
            "must point to a public address",
        ),
        (
            json!("https://other.internal/hook"),
            "must point to a public address",
        ),
    ] {
        let answer = submit(&client, &url, &webhook).await;
        assert_eq!(answer.status, 422, "{webhook}");
        assert_eq!(answer.error_code(), "VALIDATION_ERROR");
        let expected = json!({"webhook_url": [problem]});
        assert_eq!(answer.json()["field_errors"], expected, "{webhook}");
    }
    let both = refinement("no url", &json!(7));
    let both = client.post("/api/concepts/refine", &both).await.json();
    let fields: Vec<_> = both["field_errors"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["original_image_url", "webhook_url"], "all at once");

    for webhook in ["http://receiver.internal/hook", HOOK] {
        let client = new_user(&service);
        let accepted = submit(&client, &url, &json!(webhook)).await;
        assert_eq!(accepted.status, 202, "{webhook}");
        client.finished(&accepted.task_id()).await;
    }
}

#[tokio::test]
async fn a_key_compares_the_webhook() {
    let service = scripted_launch().start();
    let client = new_user(&service).with("idempotency-key", "key-1");
    let url = origin().picture(&pictures::png(8, 8));
    let first = submit(&client, &url, &json!(HOOK)).await;
    assert_eq!(first.status, 202);
    let again = submit(&client, &url, &json!(HOOK)).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json(), first.json());
    for webhook in [Value::Null, json!("https://receiver.example/other")] {
        let other = submit(&client, &url, &webhook).await;
        assert_eq!(other.status, 422, "{webhook}");
    }
}

/// It stays the same over restarts, and is derived from the first of two secrets
/// that are configured.
#[tokio::test]
async fn each_user_has_a_key_that_follows_from_the_services_secret() {
    let secret = async |service: &Service, user: &str| {
        let client = Client::user(service.url(), user);
        let answer = client.get("/api/webhooks/secret").await;
        assert_eq!(answer.status, 200);
        let secret = answer.json()["secret"].as_str().unwrap().to_owned();
        let key = secret.strip_prefix("whsec_").unwrap();
        assert_eq!(key.len(), 44, "the base64 of 32 bytes");
        secret
    };
    let launch = scripted_launch();
    let service = launch.start();
    let generated = secret(&service, "ada").await;
    assert_ne!(secret(&service, "bob").await, generated);
    let nobody = Client::new(service.url());
    assert_eq!(nobody.get("/api/webhooks/secret").await.status, 401);
    service.kill();
    let service = launch.start();
    assert_eq!(secret(&service, "ada").await, generated);

    let configured = async |secrets: &str| {
        let service = scripted_launch().set("webhook-secret", secrets).start();
        secret(&service, "ada").await
    };
    let (old, new) = (
        configured("an old one").await,
        configured("a new one").await,
    );
    assert!(old != new && old != generated && new != generated);
    assert_eq!(configured("an old one").await, old);
    assert_eq!(configured("a new one, an old one").await, new);
}
