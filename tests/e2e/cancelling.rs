//! Deleting or cancelling a task in progress releases what it holds.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::stored_images;
use serde_json::Value;

use crate::shared::{busy, new_user, origin, picture_url, scripted_launch};

/// Far shorter than the download, the model's call and the lease may take.
const AT_ONCE: Duration = Duration::from_secs(5);

async fn deleted(client: &Client, id: &str) {
    let answer = client.delete(&format!("/api/tasks/{id}")).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn cancelled(client: &Client, id: &str) -> Value {
    let path = format!("/api/tasks/{id}/cancel");
    let answer = client.post(&path, &Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn within(limit: Duration, client: &Client, id: &str) -> Value {
    let finished = tokio::time::timeout(limit, client.finished(id));
    finished.await.expect("it still waits for its turn")
}

/// There is one place, for a model that would take half a minute.
#[tokio::test]
async fn the_model_is_free_at_once() {
    for prompt in ["wait 30000ms", "hang for ever", "loop for ever"] {
        let launch = scripted_launch().set("concurrency", "1");
        let service = launch.start();
        let [first, second] = [(); 2].map(|()| new_user(&service));
        let (original, gate) = origin().gated(&pictures::png(8, 8));
        let id = first.accepted(&original, prompt).await;
        first.task_is(&id, "processing").await;
        let mut events = first.events(&id, None).await;
        gate.open();
        while events.event().await.tells() != "refining" {}
        let waiting = second.accepted(&picture_url(), "echo it").await;
        deleted(&first, &id).await;
        let task = within(AT_ONCE, &second, &waiting).await;
        assert_eq!(task["status"], "completed", "{prompt}: {task}");

        let again = first.accepted(&picture_url(), "echo it").await;
        let task = within(AT_ONCE, &first, &again).await;
        assert_eq!(task["status"], "completed", "{prompt}: {task}");
        assert_eq!(refined(&launch.data()).len(), 2, "{prompt}");
        let concepts = first.get("/api/concepts").await.json();
        assert_eq!(concepts["concepts"].as_array().unwrap().len(), 1);
        assert!(service.stop().status.success());
    }
}

/// Its user is free, its receiver and whoever watches it are told, and it stays.
#[tokio::test]
async fn a_cancelled_task_stays_and_frees_the_model() {
    let launch = scripted_launch()
        .set("concurrency", "1")
        .set("rate-limit", "5/month");
    let service = launch.start();
    let [first, second] = [(); 2].map(|()| new_user(&service));
    let (id, mut events) = first.refining(&picture_url(), "hang for ever").await;
    let waiting = second.accepted(&picture_url(), "echo it").await;

    let task = cancelled(&first, &id).await;
    assert_eq!(task["status"], "failed");
    assert_eq!(task["error_message"], "Cancelled by its user.");
    assert_eq!(first.task(&id).await, task);
    assert_eq!(events.event().await.tells(), "failed");
    let done = within(AT_ONCE, &second, &waiting).await;
    assert_eq!(done["status"], "completed", "{done}");

    let path = format!("/api/tasks/{id}/cancel");
    let again = first.post(&path, &Value::Null).await;
    assert_eq!((again.status, again.json()), (409, task));
    assert_eq!(second.post(&path, &Value::Null).await.status, 404);
    assert_eq!(first.quota_left().await, 4, "it is not given back");
    first.completed(&picture_url(), "echo it").await;
    assert_eq!(refined(&launch.data()).len(), 2);
    assert!(service.stop().status.success());
}

/// Wherever it is, nothing remains stored.
#[tokio::test]
async fn nothing_is_left_whenever_it_happens() {
    let launch = scripted_launch();
    let service = launch.start();
    let original = origin().picture(&pictures::png(300, 300));
    let rounds = (0..40_u64).map(async |round| {
        let user = new_user(&service);
        let id = user.accepted(&original, "wait 20ms").await;
        // Anywhere between its submission and its end.
        tokio::time::sleep(Duration::from_millis(round * 3)).await;
        let was_completed = user.task(&id).await["status"] == "completed";
        deleted(&user, &id).await;
        let concepts = user.get("/api/concepts").await.json();
        let count = concepts["concepts"].as_array().unwrap().len();
        assert!(count == 1 || !was_completed, "{round}: {concepts}");
        user.completed(&original, "echo it").await;
        count + 1
    });
    let kept: usize = futures::future::join_all(rounds).await.iter().sum();
    eventually("only what a concept has is left", SOON, async || {
        (refined(&launch.data()).len() == kept).then_some(())
    })
    .await;
    assert!(service.stop().status.success());
}

#[tokio::test]
async fn a_silent_origin_is_hung_up_on() {
    // One of its own: no other test's connections are to be counted.
    let silent = Origin::start();
    let service = scripted_launch()
        .set(
            "allow-sources",
            &[silent.authority(), origin().authority()].join(","),
        )
        .set("concurrency", "1")
        .start();
    let client = new_user(&service);
    let head = "content-type: image/png\r\ncontent-length: 100000\r\n";
    for (name, reply) in [
        ("says nothing", Reply::raw(b"")),
        ("stops in the middle", Reply::new(200, head, b"\x89PNG")),
    ] {
        let url = silent.serve(reply.then_silence());
        let id = client.accepted(&url, "echo it").await;
        eventually("it is asked", SOON, async || {
            (silent.requests(&url).len() == 1).then_some(())
        })
        .await;
        assert_eq!(silent.open_connections(), 1, "{name}");
        deleted(&client, &id).await;
        eventually("it is hung up on", AT_ONCE, async || {
            (silent.open_connections() == 0).then_some(())
        })
        .await;
        let next = client.accepted(&picture_url(), "echo it").await;
        let task = within(AT_ONCE, &client, &next).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
    }
}

/// It never comes to work.
#[tokio::test]
async fn a_task_that_waits_for_its_turn_is_never_begun() {
    let service = scripted_launch().set("concurrency", "1").start();
    let (_, _, gate) = busy(&service).await;
    let waiting = new_user(&service);
    let unwanted = picture_url();
    let id = waiting.accepted(&unwanted, "echo it").await;
    deleted(&waiting, &id).await;
    let next = waiting.accepted(&picture_url(), "echo it").await;
    gate.open();
    assert_eq!(waiting.finished(&next).await["status"], "completed");
    assert_eq!(origin().requests(&unwanted).len(), 0);
}

fn refined(data: &Path) -> BTreeSet<String> {
    stored_images::of_kind(data, "refined")
}
