//! The service on a small disk, and what has to be true of the disk afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{READINESS, SOON, eventually};
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::{Ended, Launch, Service};
pub use concept_refinement_tests::shared::origin;
use concept_refinement_tests::stored_images;
use futures::future::join_all;
use rusqlite::Connection;
use serde_json::{Value, json};

/// Far more than an empty service needs, in bytes.
pub const DISK: u64 = 8 << 20;

pub const NO_ROOM_FOR_TASKS: &str = "The task store has no room left.";
pub const NO_ROOM_FOR_IMAGES: &str = "The image store has no room left.";
pub const NO_TASKS: &str = "The task store cannot be used at the moment.";
pub const NO_IMAGES: &str = "The image store cannot be used at the moment.";

pub fn launch() -> Launch {
    Launch::new()
        .scripted()
        .with_tokens()
        .set("allow-sources", &origin().authority())
}

pub fn on_small_disk() -> Launch {
    launch().on_small_disk(DISK)
}

pub fn user(service: &Service, name: &str) -> Client {
    Client::user(service.url(), name)
}

/// The URL of an original.
pub fn original() -> String {
    origin().picture(&pictures::png(8, 8))
}

/// A picture of hundreds of kilobytes.
pub fn large_picture() -> Picture {
    pictures::noise(400)
}

/// It is refused for the time being, with this sentence.
pub fn assert_unavailable(answer: &Answer, detail: &str) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.error_code(), "SERVICE_UNAVAILABLE");
    assert_eq!(answer.json()["detail"], detail);
}

/// How many more tasks the user may have, as an accepted one was told.
pub fn remaining(accepted: &Answer) -> u64 {
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let remaining = accepted.header("x-ratelimit-remaining").unwrap();
    remaining.parse().unwrap()
}

/// It says soon that all can be used.
pub async fn assert_ready(client: &Client) {
    eventually("ready", READINESS, async || {
        let ready = client.get("/api/health/ready").await;
        (ready.status == 200).then_some(())
    })
    .await;
}

/// It says soon what cannot be used, and is alive.
pub async fn assert_degraded(client: &Client, tasks: &str, images: &str) {
    let expected = json!({
        "status": "degraded",
        "capabilities": {"tasks": tasks, "queue": "ok", "images": images, "model": "ok"},
    });
    let what = format!("tasks: {tasks} images: {images}");
    eventually(&what, READINESS, async || {
        let ready = client.get("/api/health/ready").await;
        (ready.status == 503 && ready.json() == expected).then_some(())
    })
    .await;
    assert_eq!(client.get("/api/health").await.status, 200);
}

/// Waits until the worker gives up on a task for now; on any, where the id is
/// empty.
pub async fn put_off(service: &Service, id: &str) {
    eventually("a task is put off", SOON, async || {
        is_put_off(service, id).then_some(())
    })
    .await;
}

pub fn is_put_off(service: &Service, id: &str) -> bool {
    let log = service.log();
    let mut lines = log.lines();
    lines.any(|line| line.contains(id) && line.contains("to be delivered again"))
}

pub fn drafts(launch: &Launch) -> usize {
    let drafts = launch.data().join("images").join("drafts");
    fs::read_dir(drafts).unwrap().count()
}

/// Stops the service, and looks at what it leaves behind.
pub fn stop_and_check(launch: &Launch, service: Service) -> Ended {
    let ended = service.stop();
    assert!(ended.status.success(), "{ended:?}");
    assert_sound(launch);
    ended
}

/// The store is whole, what was accepted is finished, no worker died, and
/// images are there for concepts and uploads alone.
fn assert_sound(launch: &Launch) {
    let data = launch.data();
    assert!(!data.join("tasks.sqlite-wal").exists(), "the log stays");
    assert_eq!(drafts(launch), 0);
    let store = copy_of_store(&data);
    let check: String = store
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    for (what, count) in [
        (
            "tasks that are not finished",
            "SELECT count(*) FROM task WHERE completed_at IS NULL",
        ),
        ("counted as pending", "SELECT pending FROM backlog"),
        (
            "deaths",
            "SELECT coalesce(sum(state ->> '$.deaths'), 0) FROM task",
        ),
        (
            "images without a concept",
            "SELECT count(*) FROM task WHERE image_path IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM concept WHERE task_id = task.id)",
        ),
    ] {
        let count: i64 = store.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{what}");
    }
    let mut paths = store.prepare("SELECT image_path FROM concept").unwrap();
    let expected: BTreeSet<String> = paths
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
        .map(|path| path.unwrap().rsplit_once('.').unwrap().0.to_owned())
        .collect();
    assert_eq!(refined_images(&data), expected);
}

/// The engine would not find its way through another's root.
fn copy_of_store(data: &Path) -> Connection {
    let copy = scratch("store").join("tasks.sqlite");
    fs::copy(data.join("tasks.sqlite"), &copy).unwrap();
    Connection::open(copy).unwrap()
}

/// Gives room, and sees all of these tasks completed.
pub async fn complete(
    launch: &Launch,
    service: Service,
    clients: &[Client],
    ids: &[String],
) -> Ended {
    launch.disk().free();
    let tasks = clients.iter().zip(ids);
    let finished = tasks.map(|(client, id)| client.finished(id));
    for task in join_all(finished).await {
        assert_completed(&task);
    }
    stop_and_check(launch, service)
}

/// Without their endings.
pub fn refined_images(data: &Path) -> BTreeSet<String> {
    stored_images::of_kind(data, "refined")
}

pub fn assert_completed(task: &Value) {
    assert_eq!(task["status"], "completed", "{task}");
}
