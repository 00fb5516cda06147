//! The disk fills while tasks are under way, at each step of the pipeline.

use std::fs;
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::disk::PAGE;
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Output, Service};
use reqwest::Method;
use serde_json::Value;

use crate::disk::shared::{
    NO_ROOM_FOR_IMAGES, assert_completed, complete, is_put_off, large_picture, on_small_disk,
    origin, original, put_off, refined_images, stop_and_check, user,
};

/// Nobody can claim them, so they wait. None of them fails.
#[tokio::test]
async fn pending_tasks_wait_for_room() {
    wait_for_room(&on_small_disk(), async |service, ids| {
        for id in ids {
            put_off(service, id).await;
        }
    })
    .await;
}

/// Lines that find no room are lost, and hold up nobody.
#[tokio::test]
async fn they_wait_with_the_log_on_that_disk_too() {
    let launch = on_small_disk().set("metrics-listen", "127.0.0.1:0");
    let log = launch.disk().path().join("log");
    fs::write(&log, "").unwrap();
    let read = || fs::read_to_string(&log).unwrap();
    let launch = launch.variable("REFINEMENT_LOG", "debug");
    let launch = launch.stderr(Output::File(log.clone()));
    wait_for_room(&launch, async |service, ids| {
        // It is told at the start, when there is room.
        let told = read();
        let (_, metrics) = told.split_once("metrics are at ").unwrap();
        let metrics = metrics.split_whitespace().next().unwrap();
        let client = Client::new(service.url());
        eventually("claims fail", SOON, async || {
            let answer = client.send(Method::GET, metrics, "").await;
            let read = Exposition::parse(std::str::from_utf8(&answer.body).unwrap());
            let name = "concept_refinement_store_errors_total";
            let failed = read.sum(name, &[("operation", "claim")]);
            (failed >= 2.0 * ids.len() as f64).then_some(())
        })
        .await;
    })
    .await;
    assert!(read().contains("lines of the log were lost"), "{}", read());
}

/// `put_off` waits until the worker gives up on these tasks for now.
async fn wait_for_room(launch: &Launch, put_off: impl AsyncFn(&Service, &[String])) {
    let service = launch.clone().set("concurrency", "1").start();
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let clients: Vec<_> = ["ada", "bob", "eve"]
        .map(|name| user(&service, name))
        .into();
    let mut ids = Vec::new();
    for client in &clients {
        ids.push(client.accepted(&url, "echo it").await);
        clients[0].task_is(&ids[0], "processing").await;
    }
    launch.disk().fill();
    gate.open();
    put_off(&service, &ids).await;
    for (client, id) in clients.iter().zip(&ids) {
        let expected = if *id == ids[0] {
            "processing"
        } else {
            "pending"
        };
        assert_eq!(client.task(id).await["status"], expected);
    }
    assert_eq!(refined_images(&launch.data()).len(), 0);
    complete(launch, service, &clients, &ids).await;
}

/// There is room to say so, but not for the image.
#[tokio::test]
async fn an_image_that_does_not_fit_fails_its_task() {
    let launch = on_small_disk();
    let service = launch.start();
    let client = user(&service, "ada");
    let picture = large_picture();
    let (url, gate) = origin().gated(&picture);
    let id = client.accepted(&url, "echo it").await;
    client.task_is(&id, "processing").await;
    launch
        .disk()
        .fill_but(picture.bytes.len() as u64 / PAGE / 2);
    gate.open();
    let task = client.finished(&id).await;
    let expected = format!(
        "Error in refinement task processing: Storing refined image failed: {NO_ROOM_FOR_IMAGES}"
    );
    assert_eq!(task["error_message"], expected);
    launch.disk().free();
    assert_completed(&client.refined(&url, "echo it").await);
    stop_and_check(&launch, service);
}

/// With one page more each time the disk fills before the image, the
/// checkpoint, the concept, the end.
#[tokio::test]
async fn a_task_goes_on_from_where_the_disk_filled() {
    const PAGES: [u64; 12] = [0, 1, 2, 4, 6, 9, 12, 16, 20, 30, 40, 100];
    let launch = on_small_disk().set("rate-limit", "unlimited");
    let service = launch.start();
    let mut seen = Vec::new();
    for pages in PAGES {
        let client = user(&service, &format!("user {pages}"));
        let (url, gate) = origin().gated(&pictures::png(8, 8));
        let id = client.accepted(&url, "instant").await;
        client.task_is(&id, "processing").await;
        launch.disk().fill_but(pages);
        gate.open();
        let task = eventually("a task ends or is put off", SOON, async || {
            let task = client.task(&id).await;
            (is_final(&task) || is_put_off(&service, &id)).then_some(task)
        })
        .await;
        let images = refined_images(&launch.data());
        let stored = images.iter().any(|path| path.contains(&id));
        launch.disk().free();
        let put_off = !is_final(&task);
        let task = client.finished(&id).await;
        let begun = origin().requests(&url).len();
        if task["status"] == "failed" {
            let concept_failed = "Error in refinement task processing: \
                Storing refined concept data failed: The task store has no room left.";
            assert_eq!(task["error_message"], concept_failed, "{pages} pages");
        }
        match (put_off, stored) {
            (false, _) => assert_eq!(begun, 1, "{pages} pages"),
            (true, false) => assert_eq!(begun, 2, "{pages} pages: refined again"),
            (true, true) => assert_eq!(begun, 1, "{pages} pages: never asked again"),
        }
        seen.push((put_off, stored));
    }
    for (what, outcome) in [
        ("before the checkpoint", (true, false)),
        ("after it", (true, true)),
        ("not at all", (false, true)),
    ] {
        assert!(seen.contains(&outcome), "{what}: {seen:?}");
    }
    stop_and_check(&launch, service);
}

/// A lease that cannot be given back, since the disk is full, runs out. That is
/// no death of a worker, however often it happens.
#[tokio::test]
async fn a_disk_that_fills_again_and_again_ends_no_task() {
    const LEASE: Duration = Duration::from_secs(1);
    let launch = on_small_disk().set("lease", "1s");
    let service = launch.start();
    let client = user(&service, "ada");
    let id = client.accepted(&original(), "wait 700ms").await;
    let mut claimed_at = Value::Null;
    for _ in 0..4 {
        claimed_at = claimed_after(&service, &id, &claimed_at).await;
        launch.disk().fill();
        // It is put off, and its lease runs out.
        tokio::time::sleep(LEASE * 2).await;
        assert_eq!(client.task(&id).await["status"], "processing");
        launch.disk().free();
    }
    assert_completed(&client.finished(&id).await);
    stop_and_check(&launch, service);
}

/// When the task was claimed, once that is another time.
async fn claimed_after(service: &Service, id: &str, earlier: &Value) -> Value {
    let client = user(service, "ada");
    eventually("a task is claimed", SOON, async || {
        let task = client.task(id).await;
        assert!(!is_final(&task), "{task}");
        let is_new = task["status"] == "processing" && task["updated_at"] != *earlier;
        is_new.then(|| task["updated_at"].clone())
    })
    .await
}

fn is_final(task: &Value) -> bool {
    matches!(task["status"].as_str(), Some("completed" | "failed"))
}
