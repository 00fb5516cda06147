//! Starts and ends on a full disk: nothing that was accepted is lost.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Gate;
use concept_refinement_tests::service::{Ended, Launch, Service};
use futures::future::join_all;

use crate::disk::shared::{
    NO_ROOM_FOR_IMAGES, NO_ROOM_FOR_TASKS, assert_completed, assert_degraded, assert_ready,
    assert_unavailable, drafts, on_small_disk, origin, original, stop_and_check, user,
};

const NO_SPACE: &str = "there is no room left on its disk";

/// One sentence says why it does not start, after the line that says with what it was to.
pub fn assert_refused(ended: &Ended, why: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let lines = ended
        .log
        .lines()
        .filter(|line| !line.contains(" starting "));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "{ended:?}");
    assert!(lines[0].starts_with("concept-refinement: "), "{ended:?}");
    assert!(lines[0].ends_with(why), "{ended:?}");
}

/// A service with a task under way and two that wait for it.
async fn at_work(launch: &Launch) -> (Service, Vec<(Client, String)>, Gate) {
    let service = launch.start();
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let mut tasks = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let client = user(&service, name);
        let id = client.accepted(&url, "echo it").await;
        tasks.push((client, id));
        let (first, id) = &tasks[0];
        first.task_is(id, "processing").await;
    }
    (service, tasks, gate)
}

async fn assert_all_complete(tasks: &[(Client, String)]) {
    let finished = tasks.iter().map(async |(client, id)| {
        let client = client.reconnected();
        assert_completed(&client.finished(id).await);
        let concepts = client.get("/api/concepts").await.json();
        assert_eq!(concepts["concepts"].as_array().unwrap().len(), 1);
    });
    join_all(finished).await;
}

/// What is there can be read at once; what was left is taken over as soon as
/// there is room.
#[tokio::test]
async fn after_a_crash_it_starts_on_a_disk_that_is_still_full() {
    let launch = on_small_disk().set("concurrency", "1");
    let (service, tasks, gate) = at_work(&launch).await;
    launch.disk().fill();
    let launch = launch.at(&service);
    service.kill();
    // As a crash in the middle of an upload leaves it.
    let half = launch.data().join("images").join("drafts").join("7");
    std::fs::write(half, "").unwrap();
    gate.open();

    let service = launch.start();
    assert_eq!(drafts(&launch), 0);
    let client = user(&service, "ada");
    assert_degraded(&client, NO_ROOM_FOR_TASKS, NO_ROOM_FOR_IMAGES).await;
    let mut statuses = Vec::new();
    for (client, id) in &tasks {
        statuses.push(client.reconnected().task(id).await["status"].clone());
    }
    assert_eq!(statuses, ["processing", "pending", "pending"]);
    let refused = user(&service, "new").refine(&original(), "echo it").await;
    assert_unavailable(&refused, NO_ROOM_FOR_TASKS);

    launch.disk().free();
    assert_all_complete(&tasks).await;
    assert_ready(&client).await;
    // The crash itself is a death.
    assert!(service.stop().status.success());
}

#[tokio::test]
async fn it_stops_in_order_on_a_full_disk() {
    let launch = on_small_disk().set("concurrency", "1");
    let (service, tasks, gate) = at_work(&launch).await;
    launch.disk().fill();
    gate.open();
    let launch = launch.at(&service);
    let ended = service.stop();
    assert!(ended.status.success(), "{ended:?}");
    launch.disk().free();
    let service = launch.start();
    assert_all_complete(&tasks).await;
    assert!(service.stop().status.success());
}

/// A later one serves what is there.
#[tokio::test]
async fn a_first_start_without_any_room_is_refused_and_harms_nothing() {
    let launch = on_small_disk();
    launch.disk().fill();
    assert_refused(&launch.run(), NO_SPACE);
    assert_refused(&launch.run(), NO_SPACE);
    launch.disk().free();

    let service = launch.start();
    let client = user(&service, "ada");
    assert_completed(&client.refined(&original(), "echo it").await);
    let launch = launch.at(&service);
    stop_and_check(&launch, service);

    launch.disk().fill();
    let service = launch.start();
    let client = client.reconnected();
    assert_degraded(&client, NO_ROOM_FOR_TASKS, NO_ROOM_FOR_IMAGES).await;
    let concepts = client.get("/api/concepts").await.json();
    assert_eq!(concepts["concepts"].as_array().unwrap().len(), 1);
    let refused = client.refine(&original(), "echo it").await;
    assert_unavailable(&refused, NO_ROOM_FOR_TASKS);
    launch.disk().free();
    assert_ready(&client).await;
    assert_completed(&client.refined(&original(), "echo it").await);
    stop_and_check(&launch, service);
}
