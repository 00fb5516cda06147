//! What is refused for want of room or places, and what is reserved.

use std::io;

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::pictures::{self, padded};
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use reqwest::{Body, Method};
use tokio::task::JoinSet;

use super::{Metrics, measured, scrape};
use crate::room::{LARGEST, LENGTH, unfinished};
use crate::shared::{busy, new_user, origin, picture_url};

const UPLOAD_REASONS: [&str; 4] = ["uploads", "upload-bytes", "under-way", "no-room"];
const TASK_REASONS: [&str; 2] = ["backlog", "no-room"];

fn value(read: &Exposition, name: &str) -> f64 {
    read.sum(&format!("concept_refinement_{name}"), &[])
}

/// The counts of refusals, in the order of the reasons.
async fn refusals(metrics: &Metrics) -> ([f64; 4], [f64; 2]) {
    let (_, read) = scrape(metrics).await;
    let count = |name: &str, reason| {
        let name = format!("concept_refinement_{name}");
        read.sum(&name, &[("reason", reason)])
    };
    (
        UPLOAD_REASONS.map(|reason| count("uploads_refused_total", reason)),
        TASK_REASONS.map(|reason| count("tasks_refused_total", reason)),
    )
}

/// Uploads of one user, one after the other: the status of each.
async fn uploaded<const N: usize>(settings: &[(&str, &str)], sizes: [usize; N]) -> [f64; 4] {
    let (service, metrics) = measured(settings).await;
    let client = new_user(&service);
    for (index, bytes) in sizes.into_iter().enumerate() {
        let upload = client.upload("image/png", &padded(bytes)).await;
        let is_last = index + 1 == N;
        assert_eq!(upload.status, if is_last { 429 } else { 201 }, "{upload:?}");
    }
    let (uploads, tasks) = refusals(&metrics).await;
    assert_eq!(tasks, [0.0; 2]);
    uploads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_under_way_and_their_refusal_are_told() {
    const PLACES: usize = 4;
    let settings = [("max-image-bytes", LARGEST), ("uploads", "100")];
    let (service, metrics) = measured(&settings).await;
    let become_under_way = async |uploads: usize| {
        let what = format!("{uploads} under way");
        eventually(&what, SOON, async || {
            let (_, read) = scrape(&metrics).await;
            let told = ["uploads_under_way", "uploads_reserved_bytes"];
            let reserved = uploads * LENGTH;
            let expected = [uploads as f64, reserved as f64];
            (told.map(|name| value(&read, name)) == expected).then_some(())
        })
        .await;
    };
    let none = ([0.0; 4], [0.0; 2]);
    assert_eq!(refusals(&metrics).await, none);
    let uploads = (0..PLACES).map(|_| unfinished(&service, true));
    let under_way: Vec<_> = join_all(uploads).await.into_iter().flatten().collect();
    assert_eq!(under_way.len(), PLACES);
    become_under_way(PLACES).await;
    assert_eq!(refusals(&metrics).await, none);

    assert!(unfinished(&service, true).await.is_none());
    let refused = ([0.0, 0.0, 1.0, 0.0], [0.0; 2]);
    assert_eq!(refusals(&metrics).await, refused);
    become_under_way(PLACES).await;
    drop(under_way);
    become_under_way(0).await;
}

/// They would take 160 MiB if they were as large as they may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_uploads_of_undeclared_length_shut_nobody_out() {
    const USERS: usize = 10;
    const EACH: usize = 4;
    let (service, metrics) = measured(&[("max-image-bytes", LARGEST)]).await;
    let mut slow = JoinSet::new();
    for _ in 0..USERS {
        let user = new_user(&service);
        for _ in 0..EACH {
            let user = user.clone();
            slow.spawn(async move { user.send(Method::POST, "/api/images", begun()).await });
        }
    }
    eventually("all are under way", SOON, async || {
        let (_, read) = scrape(&metrics).await;
        (value(&read, "uploads_under_way") == (USERS * EACH) as f64).then_some(())
    })
    .await;
    let whole = Body::wrap_stream(stream::iter([Ok::<_, io::Error>(padded(200 << 10))]));
    let newcomer = new_user(&service);
    let upload = newcomer.send(Method::POST, "/api/images", whole).await;
    assert_eq!(upload.status, 201, "{upload:?}");
    assert!(slow.try_join_next().is_none(), "one has ended");
    assert_eq!(refusals(&metrics).await, ([0.0; 4], [0.0; 2]));
}

/// An upload without a length whose end never comes.
fn begun() -> Body {
    let first = Ok::<_, io::Error>(padded(100 << 10));
    Body::wrap_stream(stream::iter([first]).chain(stream::pending()))
}

#[tokio::test]
async fn what_a_user_may_not_store_is_told_by_its_reason() {
    let of_count = uploaded(&[("uploads", "1")], [1000, 1000]).await;
    assert_eq!(of_count, [1.0, 0.0, 0.0, 0.0]);
    let of_bytes = uploaded(&[("upload-bytes", "100KiB")], [60 << 10, 60 << 10]).await;
    assert_eq!(of_bytes, [0.0, 1.0, 0.0, 0.0]);
}

#[tokio::test]
async fn the_room_of_all_images_and_who_found_none_are_told() {
    const MAX_STORE: usize = 1000 << 10;
    // As much as uploads may take. Each task reserves a 1024th.
    const STORED: usize = MAX_STORE / 20 * 19;
    const TASKS: usize = 51;
    let (service, metrics) = measured(&[("max-store", "1000KiB")]).await;
    let client = new_user(&service);
    let room = async || {
        let (_, read) = scrape(&metrics).await;
        ["images_bytes", "images_limit_bytes"].map(|name| value(&read, name))
    };
    assert_eq!(room().await, [0.0, MAX_STORE as f64]);
    let upload = client.upload("image/png", &padded(STORED)).await;
    assert_eq!(upload.status, 201, "{upload:?}");
    assert_eq!(room().await, [STORED as f64, MAX_STORE as f64]);

    let refused = client.upload("image/png", &padded(500)).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let (of_uploads, of_tasks) = ([0.0, 0.0, 0.0, 1.0], [0.0, 1.0]);
    assert_eq!(refusals(&metrics).await, (of_uploads, [0.0; 2]));
    let (original, _gate) = origin().gated(&pictures::png(8, 8));
    for _ in 0..TASKS {
        new_user(&service).accepted(&original, "echo it").await;
    }
    let refused = client.refine(&original, "echo it").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refusals(&metrics).await, (of_uploads, of_tasks));
    assert_eq!(room().await, [STORED as f64, MAX_STORE as f64]);
}

#[tokio::test]
async fn tasks_beyond_the_backlog_are_told() {
    let (service, metrics) = measured(&[("concurrency", "1"), ("max-backlog", "1")]).await;
    let (_, _, _gate) = busy(&service).await;
    new_user(&service).accepted(&picture_url(), "echo it").await;
    let none = ([0.0; 4], [0.0; 2]);
    assert_eq!(refusals(&metrics).await, none);
    let refused = new_user(&service).refine(&picture_url(), "echo it").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refusals(&metrics).await, ([0.0; 4], [1.0, 0.0]));
}
