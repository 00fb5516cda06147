//! Erasing oneself: everything is gone, except what the quota counted.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use serde_json::{Value, json};

use crate::admin::jobs::done;
use crate::admin::{attended, operator};
use crate::shared::{new_name, new_user, picture_url, scripted_launch};

/// Far shorter than the model's call and the lease may take.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Never asked, since nobody waits for it.
const HOOK: &str = "https://receiver.example/hook";

async fn erased(client: &Client) {
    let answer = client.delete("/api/me").await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

/// What lists show of a user.
async fn listed(client: &Client) -> [Value; 2] {
    let tasks = client.get("/api/tasks").await.json()["tasks"].clone();
    let concepts = client.get("/api/concepts").await.json()["concepts"].clone();
    [tasks, concepts]
}

/// A completed task of an upload, with a key and a webhook.
async fn completed(client: &Client) -> (String, Value) {
    let upload = client.uploaded(&pictures::png(8, 8)).await;
    let keyed = client.with("idempotency-key", "key");
    let hook = json!({"webhook_url": HOOK});
    let task = keyed.edited(&upload, "echo it", &hook).await;
    assert_eq!(task["status"], "completed", "{task}");
    (upload, task)
}

#[tokio::test]
async fn everything_is_gone_but_the_count_and_nobody_else_notices() {
    let launch = scripted_launch()
        .set("rate-limit", "5/month")
        .set("concurrency", "1");
    let service = launch.start();
    let name = new_name();
    let (ada, bob) = (Client::user(service.url(), &name), new_user(&service));
    let (upload, task) = completed(&ada).await;
    let (others_upload, others) = completed(&bob).await;
    let before = listed(&bob).await;
    let (_, mut events) = ada.refining(&picture_url(), "hang for ever").await;
    assert_eq!(ada.quota_left().await, 3);

    erased(&ada).await;
    assert_eq!(events.event().await.tells(), "deleted");
    assert!(events.rest().await.is_empty(), "it goes on");
    assert_eq!(listed(&ada).await, [json!([]), json!([])]);
    let [of_task, of_concept] = [
        format!("/api/tasks/{}", task["task_id"].as_str().unwrap()),
        format!("/api/concepts/{}", task["result_id"].as_str().unwrap()),
    ];
    let webhook = format!("{of_task}/webhook");
    let image = task["image_url"].as_str().unwrap();
    for path in [&of_task, &webhook, &of_concept, image, &upload] {
        assert_eq!(ada.get(path).await.status, 404, "{path}");
    }
    assert_eq!(launch.images().len(), 2, "another's are left");
    assert_eq!(ada.quota_left().await, 3, "the quota counts on");

    assert_eq!(listed(&bob).await, before);
    for path in [others["image_url"].as_str().unwrap(), &others_upload] {
        assert_eq!(bob.get(path).await.status, 200, "{path}");
    }
    // The same key is another task's now, and the user may go on: the one worker does not
    // wait for the model.
    let again = tokio::time::timeout(AT_ONCE, completed(&ada)).await;
    let (_, again) = again.expect("it still waits for its turn");
    assert_ne!(again["task_id"], task["task_id"]);
    assert_eq!(ada.quota_left().await, 2);
    erased(&ada).await;
    erased(&ada).await;
    for _ in 0..2 {
        ada.completed(&picture_url(), "echo it").await;
    }
    assert_eq!(ada.refine(&picture_url(), "echo it").await.status, 429);
    let ended = service.stop();
    assert!(ended.status.success());
    let named = ended.log.lines().find(|line| line.contains(&name));
    assert_eq!(named, None, "the log has names");
}

/// As a job, which is stored: whoever goes on with it erases all.
#[tokio::test]
async fn an_operator_erases_a_person() {
    let launch = attended(scripted_launch()).set("rate-limit", "5/month");
    let service = launch.start();
    let name = new_name();
    let (ada, bob) = (Client::user(service.url(), &name), new_user(&service));
    let (upload, task) = completed(&ada).await;
    completed(&bob).await;
    let others = listed(&bob).await;
    let (_, mut events) = ada.refining(&picture_url(), "hang for ever").await;

    let operator = operator(&service).await;
    let job = done(&operator, "erase", &json!({ "user": name })).await;
    assert_eq!([&job["total"], &job["done"], &job["left"]], [2, 2, 0]);

    assert_eq!(events.event().await.tells(), "deleted");
    assert_eq!(listed(&ada).await, [json!([]), json!([])]);
    let image = task["image_url"].as_str().unwrap();
    for path in [image, &upload] {
        assert_eq!(ada.get(path).await.status, 404, "{path}");
    }
    assert_eq!(ada.quota_left().await, 3, "the quota counts on");
    assert_eq!(listed(&bob).await, others);
    let narrow = json!({ "user": name, "status": "failed" });
    for filter in [json!({}), json!({ "status": "failed" }), narrow] {
        let asked = json!({ "action": "erase", "filter": filter, "preview": true });
        let answer = operator.post("/admin/v1/tasks/actions", &asked).await;
        assert_eq!(answer.status, 422, "{filter}");
    }
    assert!(service.stop().status.success());
}
