//! A full disk: what needs room is refused, the rest goes on, and all of it
//! works again as soon as there is room.

use std::fs;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::disk::PAGE;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Output, Service};
use concept_refinement_tests::tokens::token;
use futures::future::join_all;

use crate::disk::shared::{
    DISK, NO_ROOM_FOR_IMAGES, NO_ROOM_FOR_TASKS, assert_completed, assert_degraded, assert_ready,
    assert_unavailable, drafts, large_picture, launch, on_small_disk, origin, original, remaining,
    stop_and_check, user,
};

/// What readiness says of tasks, with 200.
const AT_RESERVE: &str = "The disk has no room left for new tasks.";

#[tokio::test]
async fn writing_is_refused_and_costs_nothing_reading_goes_on() {
    write_and_read(&on_small_disk()).await;
}

/// Lines that find no room are lost, and cost nothing else.
#[tokio::test]
async fn the_same_holds_with_the_log_on_that_disk() {
    let launch = on_small_disk();
    let log = launch.disk().path().join("log");
    fs::write(&log, "").unwrap();
    let launch = launch.variable("REFINEMENT_LOG", "debug");
    let launch = launch.stderr(Output::File(log.clone()));
    write_and_read(&launch).await;
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("lines of the log were lost"), "{log}");
    assert!(log.contains("stopping"), "{log}");
}

async fn write_and_read(launch: &Launch) {
    let service = launch.start();
    let client = user(&service, "ada");
    let (small, large, larger) = (
        pictures::png(64, 48),
        large_picture(),
        pictures::noise(1600),
    );
    let uploaded = client.uploaded(&small).await;
    let first = client.refine(&uploaded, "echo it").await;
    assert_eq!(remaining(&first), 9);
    let task = client.finished(&first.task_id()).await;
    assert_completed(&task);
    let image_url = task["image_url"].as_str().unwrap();
    let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
    let same_task = format!("/api/tasks/{}", first.task_id());
    let keyed = client.with("idempotency-key", "k");
    assert_ready(&client).await;

    launch.disk().fill();
    for _ in 0..10 {
        for answer in [
            client.refine(&uploaded, "echo it").await,
            keyed.refine(&uploaded, "echo it").await,
            client.delete(&same_task).await,
        ] {
            assert_unavailable(&answer, NO_ROOM_FOR_TASKS);
        }
        for picture in [&small, &large, &larger] {
            let answer = client.upload(picture.media_type, &picture.bytes).await;
            assert_unavailable(&answer, NO_ROOM_FOR_IMAGES);
        }
        assert_degraded(&client, NO_ROOM_FOR_TASKS, NO_ROOM_FOR_IMAGES).await;
        assert_eq!(drafts(launch), 0);
    }
    // Each is several lines, where they are logged.
    let chatty = Client::http2(service.url());
    for _ in 0..100 {
        assert_eq!(chatty.get("/api/health").await.status, 200);
    }
    for path in [
        &same_task,
        &concept,
        image_url,
        &uploaded,
        "/api/tasks",
        "/api/concepts",
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    assert_eq!(client.get(&uploaded).await.body, small.bytes);
    let invalid = client.refine("ftp://example.com/a.png", "echo it").await;
    assert_eq!(invalid.status, 422, "which is judged before");

    launch.disk().free();
    assert_ready(&client).await;
    let second = keyed.refine(&uploaded, "echo it").await;
    assert_eq!(second.header("idempotency-replayed"), None);
    assert_eq!(remaining(&second), 8, "what was refused cost nothing");
    assert_completed(&client.finished(&second.task_id()).await);
    client.uploaded(&large).await;
    assert_eq!(client.delete(&concept).await.status, 204);
    assert_eq!(client.delete(&same_task).await.status, 204);
    stop_and_check(launch, service);
}

/// Works on a full disk: the 409 with the active task needs no space, and
/// deleting an upload makes some.
#[tokio::test]
async fn what_needs_no_room_is_done() {
    let launch = on_small_disk();
    let service = launch.start();
    let client = user(&service, "ada");
    let picture = large_picture();
    let upload = client.upload(picture.media_type, &picture.bytes).await;
    let path = upload.json()["path"].as_str().unwrap().to_owned();
    let url = origin().picture(&picture);
    let refined = client.refined(&url, "echo it").await;
    let small = client.refined(&original(), "echo it").await;
    let id = client.accepted(&original(), "wait 3000ms").await;
    client.task_is(&id, "processing").await;

    for refined in [refined, small] {
        let concept = format!("/api/concepts/{}", refined["result_id"].as_str().unwrap());
        launch.disk().fill();
        let deleted = client.delete(&concept).await;
        assert_eq!(deleted.status, 204, "its image makes room: {deleted:?}");
    }

    launch.disk().fill();
    let active = client.refine(&original(), "echo it").await;
    assert_eq!((active.status, active.task_id()), (409, id.clone()));
    let deleted = client.delete(&format!("/api/images/{path}")).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_ready(&client).await;
    assert_completed(&client.finished(&id).await);
    launch.disk().free();
    stop_and_check(&launch, service);
}

/// What is free on the disk, but is its reserve: it is for tasks that were
/// accepted before.
#[tokio::test]
async fn the_last_of_the_disk_is_for_accepted_tasks() {
    let launch = on_small_disk();
    let service = launch.start();
    let client = user(&service, "ada");
    let small = pictures::png(8, 8);
    let id = client.accepted(&original(), "wait 3000ms").await;
    client.task_is(&id, "processing").await;
    // A twentieth of the disk, and a little more than a small image.
    launch.disk().fill_but(DISK / 20 / PAGE - 2);
    let other = user(&service, "bob");
    let upload = other.upload(small.media_type, &small.bytes).await;
    assert_unavailable(&upload, NO_ROOM_FOR_IMAGES);
    let refused = other.refine(&original(), "echo it").await;
    assert_unavailable(&refused, NO_ROOM_FOR_TASKS);
    assert_eq!(drafts(&launch), 0);
    assert_ready(&client).await;
    let ready = client.get("/api/health/ready").await.json();
    assert_eq!(ready["status"], "degraded", "{ready}");
    assert_eq!(ready["capabilities"]["tasks"], AT_RESERVE, "{ready}");
    assert_completed(&client.finished(&id).await);
    launch.disk().free();
    other.uploaded(&small).await;
    assert_completed(&other.refined(&original(), "echo it").await);
    stop_and_check(&launch, service);
}

/// What one of them wrote while another is judged counts, if it is not told yet too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_at_once_leave_the_reserve() {
    /// So few that a third one would find its room in the reserve, and so many that
    /// what counts twice does not keep the second one out.
    const BYTES: u64 = 768 << 10;
    const RESERVE: u64 = DISK / 20 + DISK / 8;
    let launch = on_small_disk();
    let service = launch.start();
    let picture = pictures::padded(usize::try_from(BYTES).unwrap());
    for round in 0..5 {
        // Of two uploads and a half.
        let room = RESERVE + BYTES * 5 / 2;
        launch.disk().fill_but(room.div_ceil(PAGE));
        let uploads = (0..20).map(async |number| {
            let client = user(&service, &format!("user {number}"));
            let upload = client.upload("image/png", &picture).await;
            (client, upload)
        });
        let (stored, refused): (Vec<_>, Vec<_>) = join_all(uploads)
            .await
            .into_iter()
            .partition(|(_, upload)| upload.status == 201);
        for (_, upload) in &refused {
            assert_unavailable(upload, NO_ROOM_FOR_IMAGES);
        }
        assert_eq!(stored.len(), 2, "round {round}");
        let available = launch.disk().available();
        assert!(available >= RESERVE, "round {round}: {available} bytes");
        for (client, upload) in stored {
            let path = upload.json()["path"].as_str().unwrap().to_owned();
            let deleted = client.delete(&format!("/api/images/{path}")).await;
            assert_eq!(deleted.status, 204, "{deleted:?}");
        }
        launch.disk().free();
    }
    stop_and_check(&launch, service);
}

/// The clients and the addresses of uploads of so many bytes, each of another user, until
/// no more are taken.
async fn uploads(service: &Service, bytes: usize) -> Vec<(Client, String)> {
    let anybody = Client::new(service.url());
    let mut originals = Vec::new();
    loop {
        let client = anybody.bearer(&token(&format!("user {}", originals.len())));
        let upload = client.upload("image/png", &pictures::padded(bytes)).await;
        if upload.status != 201 {
            assert_unavailable(&upload, NO_ROOM_FOR_IMAGES);
            return originals;
        }
        let url = upload.json()["image_url"].as_str().unwrap().to_owned();
        originals.push((client, url));
    }
}

/// Those who have images go on refining them, however small the uploads were. What tasks
/// need most of is the databases' logs, which grow to 16 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_leave_room_for_tasks() {
    const TASKS: usize = 40;
    for bytes in [4 << 10, 64 << 10, 1 << 20] {
        let launch = launch()
            .on_small_disk(64 << 20)
            .set("rate-limit", "unlimited");
        let service = launch.start();
        let originals = uploads(&service, bytes).await;
        for (client, url) in originals.iter().cycle().take(TASKS) {
            assert_completed(&client.refined(url, "instant").await);
        }
        let ready = originals[0].0.get("/api/health/ready").await.json();
        assert_eq!(ready["status"], "ready", "{bytes}: {ready}");
        stop_and_check(&launch, service);
    }
}

/// Small uploads take the inodes of a disk before they take its blocks.
#[tokio::test]
async fn uploads_leave_inodes_for_tasks() {
    let launch = launch().on_disk("size=64m,nr_inodes=400");
    let service = launch.start();
    let count = uploads(&service, 4 << 10).await.len();
    assert!((50..200).contains(&count), "{count}");
    // Each of their images is a file.
    let original = origin().picture(&large_picture());
    for number in 0..10 {
        let client = user(&service, &format!("another {number}"));
        assert_completed(&client.refined(&original, "echo it").await);
    }
    stop_and_check(&launch, service);
}
