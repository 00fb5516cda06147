//! Many webhooks at once: whatever does not answer keeps no other webhook waiting,
//! and none keeps a task.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::receiver::Receiver;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Service;
use futures::future::join_all;
use serde_json::json;

use super::{accepted, attempted, launch, receiver, redeliver, seconds, service};
use crate::shared::{new_user, origin};

/// More than attempts can be under way at once.
const MANY: usize = 80;

/// How many attempts some may make at once that hold up others.
const MAX_SHARE: usize = 48;

/// From a task's end to its webhook: far below what an attempt takes that is not
/// answered (15 s).
const QUICK_SECONDS: f64 = 1.0;

#[tokio::test]
async fn a_slow_receiver_keeps_no_other_waiting() {
    let service = launch().start();
    let slow = slow(1);
    let told = async || silent(&new_user(&service), &slow[0]).await;
    join_all((0..MANY).map(|_| told())).await;

    others_are_told(&service).await;
    let open = open(&slow);
    assert!((1..=8).contains(&open), "{open} attempts at one receiver");
    let begin = Instant::now();
    assert!(service.stop().status.success());
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn eight_slow_receivers_keep_no_other_waiting() {
    let service = launch().start();
    let slow = slow(8);
    let told = async |number: usize| silent(&new_user(&service), &slow[number % 8]).await;
    join_all((0..MANY).map(told)).await;

    eventually("most attempts are made there", SOON, async || {
        (open(&slow) >= MAX_SHARE).then_some(())
    })
    .await;
    others_are_told(&service).await;
}

#[tokio::test]
async fn a_user_of_many_slow_receivers_keeps_no_other_waiting() {
    let service = launch().start();
    let slow = slow(MANY);
    let greedy = new_user(&service);
    for receiver in &slow {
        silent(&greedy, receiver).await;
    }
    others_are_told(&service).await;
    let open = open(&slow);
    assert!(
        (1..=MAX_SHARE).contains(&open),
        "{open} attempts of one user"
    );
}

/// What was delivered once, and is asked for again by a crowd whose receivers are silent
/// since.
#[tokio::test]
async fn what_is_asked_for_again_keeps_no_other_waiting() {
    const RECEIVERS: usize = 10;
    let service = launch().start();
    let slow = slow(RECEIVERS);
    let told = async |number: usize| {
        let client = new_user(&service);
        let replies = [Reply::status(200), Reply::raw(b"").then_silence()];
        let hook = slow[number % RECEIVERS].hook(replies);
        let id = accepted(&client, "instant", &hook).await;
        attempted(&client, &id, 1).await;
        (client, id)
    };
    let users = join_all((0..MANY).map(told)).await;
    let asked = users.iter().map(|(client, id)| redeliver(client, id));
    let asked = join_all(asked).await;
    let of = |status| asked.iter().filter(|it| **it == status).count();
    assert!((1..=32).contains(&of(202)), "{asked:?}");
    assert_eq!(of(202) + of(429), MANY, "{asked:?}");
    others_are_told(&service).await;
}

#[tokio::test]
async fn a_user_asks_ten_times_a_minute() {
    let client = new_user(service());
    let hook = receiver().hook([Reply::status(200)]);
    let mut tasks = Vec::new();
    for _ in 0..12 {
        let id = accepted(&client, "instant", &hook).await;
        attempted(&client, &id, 1).await;
        tasks.push(id);
    }
    let asked = tasks.iter().map(async |id| {
        let path = format!("/api/tasks/{id}/webhook/redeliver");
        client.post(&path, &json!({})).await
    });
    let (admitted, refused): (Vec<_>, Vec<_>) = join_all(asked)
        .await
        .into_iter()
        .partition(|answer| answer.status == 202);
    assert_eq!(admitted.len(), 10, "{refused:?}");
    for answer in refused {
        assert_eq!(answer.status, 429, "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("15"), "{answer:?}");
        assert_eq!(answer.json()["error_code"], "RATE_LIMIT_EXCEEDED");
    }
}

/// What is not delivered again is not counted.
#[tokio::test]
async fn who_asks_too_early_may_ask_later() {
    let client = new_user(service());
    let hook = receiver().hook([Reply::status(200)]);
    let told = accepted(&client, "instant", &hook).await;
    attempted(&client, &told, 1).await;
    let (original, gate) = origin().gated(&pictures::png(8, 8));
    let body = json!({
        "original_image_url": original,
        "refinement_prompt": "instant",
        "webhook_url": hook,
    });
    let pending = client.post("/api/concepts/refine", &body).await.task_id();
    for _ in 0..11 {
        assert_eq!(redeliver(&client, &pending).await, 409);
        assert_eq!(redeliver(&client, "none").await, 404);
    }
    assert_eq!(redeliver(&client, &told).await, 202);
    gate.open();
    client.finished(&pending).await;
}

/// Receivers that do not answer.
fn slow(number: usize) -> Vec<Receiver> {
    (0..number).map(|_| Receiver::start()).collect()
}

/// Has a task that ends, and that this receiver is told of.
async fn silent(client: &Client, receiver: &Receiver) {
    let hook = receiver.hook([Reply::raw(b"").then_silence()]);
    let id = accepted(client, "instant", &hook).await;
    client.finished(&id).await;
}

/// The attempts under way.
fn open(receivers: &[Receiver]) -> usize {
    receivers.iter().map(Receiver::open_connections).sum()
}

async fn others_are_told(service: &Service) {
    for _ in 0..5 {
        let client = new_user(service);
        let hook = receiver().hook([Reply::status(200)]);
        let id = accepted(&client, "instant", &hook).await;
        let told = attempted(&client, &id, 1).await;
        assert_eq!(told["state"], "delivered", "{told}");
        let task = client.task(&id).await;
        let waited = seconds(&told["attempts"][0]["at"]) - seconds(&task["completed_at"]);
        assert!(waited < QUICK_SECONDS, "{waited} s: {told}");
    }
}
