//! A paused queue: what is submitted waits, over restarts too, and goes on at once.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{READINESS, eventually};
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Service;
use serde_json::{Value, json};

use super::{act, attended, failed, operator, put_picture, read};
use crate::shared::{new_name, new_user, origin, scripted_launch};

/// Nothing may happen for so long, in which all of it would.
const QUIET: Duration = Duration::from_millis(1500);

/// Far shorter than the sweep's interval.
pub const AT_ONCE: Duration = Duration::from_secs(5);

pub async fn queue_in_ready(service: &Service) -> (u16, Value) {
    let ready = Client::new(service.url()).get("/api/health/ready").await;
    (ready.status, ready.json()["capabilities"]["queue"].clone())
}

/// Once it follows the change, and with success all the time.
async fn ready_says(service: &Service, expected: &str) {
    eventually("readiness follows", READINESS, async || {
        let (status, queue) = queue_in_ready(service).await;
        assert_eq!(status, 200, "{queue}");
        (queue == expected).then_some(())
    })
    .await;
}

pub async fn paused_in_metrics(operator: &Client) -> f64 {
    let metrics = operator.get("/admin/v1/metrics").await;
    assert_eq!(metrics.status, 200, "{metrics:?}");
    let read = Exposition::parse(std::str::from_utf8(&metrics.body).unwrap());
    read.samples["concept_refinement_queue_paused"]
}

#[tokio::test]
async fn what_is_submitted_waits_and_then_goes_on_at_once() {
    let launch = attended(scripted_launch()).set("max-backlog", "4");
    let mut service = launch.start();
    let launch = launch.at(&service);
    let mut operator = operator(&service).await;
    let (slow, gate) = origin().gated(&pictures::png(8, 8));
    let picture = origin().picture(&pictures::png(8, 8));
    let busy = new_user(&service);
    let under_way = busy.accepted(&slow, "echo it").await;
    busy.task_is(&under_way, "processing").await;
    let retried = new_user(&service);
    let (first, url) = failed(&retried).await;
    put_picture(&url);
    ready_says(&service, "ok").await;
    assert_eq!(paused_in_metrics(&operator).await, 0.0);

    let paused = act(&operator, "queue/pause", "the provider is down").await;
    assert_eq!(paused.status, 200, "{paused:?}");
    let paused = paused.json();
    assert_eq!(
        (&paused["paused"], &paused["pending"]),
        (&json!(true), &json!(0)),
        "{paused}"
    );
    ready_says(&service, "paused by the operator").await;
    assert_eq!(paused_in_metrics(&operator).await, 1.0);
    // What is under way goes on.
    gate.open();
    assert_eq!(busy.finished(&under_way).await["status"], "completed");

    let second = act(&operator, &format!("tasks/{first}/retry"), "it is there").await;
    assert_eq!(second.status, 200, "{second:?}");
    let second = second.json()["task_id"].as_str().unwrap().to_owned();
    let users: Vec<_> = (0..3)
        .map(|_| Client::user(service.url(), &new_name()))
        .collect();
    let mut waiting = Vec::new();
    for user in &users {
        waiting.push(user.accepted(&picture, "echo it").await);
    }
    let refused = new_user(&service).refine(&picture, "echo it").await;
    assert_eq!(refused.status, 503, "the backlog is full: {refused:?}");
    for (is_killed, name) in [
        (None, "at first"),
        (Some(false), "stopped"),
        (Some(true), "killed"),
    ] {
        if let Some(is_killed) = is_killed {
            match is_killed {
                true => service.kill(),
                false => service.stop(),
            };
            service = launch.start();
            operator = super::operator(&service).await;
        }
        tokio::time::sleep(QUIET).await;
        let queue = read(&operator, "queue").await;
        let expected = (&json!(true), &json!(4), &json!(0));
        assert_eq!(
            (&queue["paused"], &queue["pending"], &queue["processing"]),
            expected,
            "{name}"
        );
        assert!(
            queue["oldest_pending_seconds"].as_f64().unwrap() > 1.0,
            "{name}: {queue}"
        );
        assert!(origin().requests(&picture).is_empty(), "{name}");
        eventually(name, READINESS, async || {
            let ready = queue_in_ready(&service).await == (200, json!("paused by the operator"));
            (ready && paused_in_metrics(&operator).await == 1.0).then_some(())
        })
        .await;
    }
    // One of them is not wanted any more, and one no longer waited for.
    let cancelled = act(&operator, &format!("tasks/{}/cancel", waiting[0]), "x").await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(super::delete(&operator, &waiting[1], "x").await.status, 204);

    let resumed = act(&operator, "queue/resume", "it is back").await;
    assert_eq!(
        (resumed.status, &resumed.json()["paused"]),
        (200, &json!(false)),
        "{resumed:?}"
    );
    let third = users[2].reconnected();
    for (user, id) in [(third, &waiting[2]), (retried.reconnected(), &second)] {
        let task = tokio::time::timeout(AT_ONCE, user.finished(id))
            .await
            .unwrap();
        assert_eq!(task["status"], "completed", "{task}");
    }
    ready_says(&service, "ok").await;
    assert_eq!(paused_in_metrics(&operator).await, 0.0);
    let queue = read(&operator, "queue").await;
    assert_eq!(queue["oldest_pending_seconds"], Value::Null, "{queue}");
    assert!(service.stop().status.success());
}
