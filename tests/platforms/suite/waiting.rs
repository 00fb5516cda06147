//! `Prefer: wait`.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::shape::{assert_is_task, unsigned};

use super::limits;
use crate::Platform;
use concept_refinement_tests::platform::{new_user, origin, scripted};

pub async fn who_waits_is_answered_with_the_task_that_has_ended<P: Platform>() {
    let user = new_user(scripted::<P>());
    let url = origin().picture(&pictures::png(8, 8));
    let waiting = user.with("prefer", "respond-async, wait=60");
    let waiting = waiting.with("idempotency-key", "waits");
    let answer = waiting.refine(&url, "wait 1500ms").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("preference-applied"), Some("wait=60"));
    assert_eq!(limits(&answer)[0], limits(&answer)[1] + 1);
    let task = answer.json();
    assert_is_task(&task);
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["message"], "Task is completed");
    let same = user.task(&answer.task_id()).await;
    assert_eq!(unsigned(&task), unsigned(&same));
    let image = Client::new(user.base());
    let image = image.get(task["image_url"].as_str().unwrap()).await;
    assert_eq!(image.status, 200, "its URL is signed");

    let again = waiting.refine(&url, "wait 1500ms").await;
    assert_eq!((again.status, again.json()), (200, task));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let first = user.with("idempotency-key", "waits");
    let first = first.refine(&url, "wait 1500ms").await;
    assert_eq!(
        (first.status, first.json()["status"].as_str()),
        (202, Some("pending"))
    );
    assert_eq!(first.header("preference-applied"), None);
}

pub async fn who_waits_for_too_short_is_answered_that_the_task_was_accepted<P: Platform>() {
    let user = new_user(scripted::<P>());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let begin = Instant::now();
    let answer = user.with("prefer", "wait=1").refine(&url, "echo it").await;
    assert!(
        begin.elapsed() >= Duration::from_millis(990),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.header("preference-applied"), None);
    assert_eq!(answer.json()["status"], "pending");
    gate.open();
    assert_eq!(
        user.finished(&answer.task_id()).await["status"],
        "completed"
    );
}
