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
    assert_completed, complete, is_put_off, large_picture, on_small_disk, origin, original,
    put_off, refined_images, stop_and_check, user,
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
            let failed = failed(&client, metrics, "claim").await;
            (failed >= 2.0 * ids.len() as f64).then_some(())
        })
        .await;
    })
    .await;
    assert!(read().contains("lines of the log were lost"), "{}", read());
}

/// `put_off` waits until the worker gives up on these tasks for now: on the first one at its
/// deadline, on the others at once.
async fn wait_for_room(launch: &Launch, put_off: impl AsyncFn(&Service, &[String])) {
    let launch = launch.clone().set("concurrency", "1");
    let launch = launch.set("task-timeout", "10s");
    let service = launch.start();
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
    complete(&launch, service, &clients, &ids).await;
}

/// There is room to say so, but not for the image.
#[tokio::test]
async fn an_image_that_does_not_fit_fails_its_task_at_its_deadline() {
    let launch = on_small_disk().set("task-timeout", "10s");
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
    let expected = "Error in refinement task processing: Storing refined image failed: \
         the task took longer than 10 seconds";
    assert_eq!(task["error_message"], expected);
    launch.disk().free();
    assert_completed(&client.refined(&url, "echo it").await);
    stop_and_check(&launch, service);
}

/// With more pages each time the disk fills before the image, the checkpoint, the concept, the
/// end. Whatever the model has answered is kept.
#[tokio::test]
async fn a_task_goes_on_from_where_the_disk_filled() {
    const PAGES: [u64; 12] = [0, 1, 2, 4, 6, 9, 12, 16, 20, 30, 40, 100];
    let launch = on_small_disk()
        .set("rate-limit", "unlimited")
        .set("metrics-listen", "127.0.0.1:0");
    let service = launch.start();
    let metrics = format!("{}/metrics", service.metrics().await);
    let mut seen = Vec::new();
    for pages in PAGES {
        let client = user(&service, &format!("user {pages}"));
        let (url, gate) = origin().gated(&pictures::png(8, 8));
        let id = client.accepted(&url, "instant").await;
        client.task_is(&id, "processing").await;
        let earlier = failed(&client, &metrics, "put").await;
        launch.disk().fill_but(pages);
        gate.open();
        eventually("a task ends, waits or is put off", SOON, async || {
            let waits = failed(&client, &metrics, "put").await > earlier;
            let stopped = waits || is_put_off(&service, &id);
            (stopped || is_final(&client.task(&id).await)).then_some(())
        })
        .await;
        let images = refined_images(&launch.data());
        let stored = images.iter().any(|path| path.contains(&id));
        let put_off = is_put_off(&service, &id);
        launch.disk().free();
        assert_completed(&client.finished(&id).await);
        let begun = origin().requests(&url).len();
        assert_eq!(begun, 1, "{pages} pages: begun again");
        seen.push((put_off, stored));
    }
    for (what, outcome) in [
        ("before the checkpoint", (false, false)),
        ("after it", (true, true)),
        ("not at all", (false, true)),
    ] {
        assert!(seen.contains(&outcome), "{what}: {seen:?}");
    }
    stop_and_check(&launch, service);
}

/// A lease that cannot be renewed runs out. Its worker keeps the task and what the model has
/// answered: that is no death, and nothing is done again.
#[tokio::test]
async fn a_disk_that_is_full_for_longer_than_a_lease_costs_no_answer() {
    const LEASE: Duration = Duration::from_secs(1);
    let launch = on_small_disk().set("lease", "1s");
    let service = launch.start();
    let client = user(&service, "ada");
    for _ in 0..4 {
        let url = original();
        let id = client.accepted(&url, "wait 1500ms").await;
        client.task_is(&id, "processing").await;
        launch.disk().fill();
        tokio::time::sleep(LEASE * 4).await;
        assert_eq!(client.task(&id).await["status"], "processing");
        launch.disk().free();
        assert_completed(&client.finished(&id).await);
        assert_eq!(origin().requests(&url).len(), 1, "begun again");
    }
    stop_and_check(&launch, service);
}

/// How many calls of a store have failed.
async fn failed(client: &Client, metrics: &str, operation: &str) -> f64 {
    let answer = client.send(Method::GET, metrics, "").await;
    let read = Exposition::parse(std::str::from_utf8(&answer.body).unwrap());
    let name = "concept_refinement_store_errors_total";
    read.sum(name, &[("operation", operation)])
}

fn is_final(task: &Value) -> bool {
    matches!(task["status"].as_str(), Some("completed" | "failed"))
}
