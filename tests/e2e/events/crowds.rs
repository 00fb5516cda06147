//! Many who watch, and services that end while they do.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::events::Events;
use concept_refinement_tests::process::Process;
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream;

use super::{KEEP_ALIVE, tells};
use crate::shared::{busy, new_user, picture_url, scripted_launch};

const WATCHERS: usize = 1000;

/// Clients that connect at once.
const AT_ONCE: usize = 32;

/// What one may take, in bytes: twice of what it does.
const EACH: u64 = 50_000;

/// So many may watch at once, whoever they are.
const MAX_WATCHERS: usize = 4096;

/// Far shorter than a grace.
const PROMPTLY: Duration = Duration::from_secs(10);

/// Each has seen the task as it is.
async fn crowd(user: &Client, id: &str, count: usize) -> Vec<Events> {
    let watching = (0..count).map(async |_| {
        let mut events = user.events(id, None).await;
        assert_eq!(events.event().await.name, "task");
        events
    });
    let watching = stream::iter(watching).buffer_unordered(AT_ONCE);
    watching.collect().await
}

#[tokio::test]
async fn many_watch_at_little_cost_and_all_are_told() {
    let service = scripted_launch().start();
    let (user, id, _gate) = busy(&service).await;
    // Memory that the first watchers cause is shared by all.
    drop(crowd(&user, &id, AT_ONCE).await);
    let process = Process::of(service.id());
    let before = process.usage().anonymous;
    let watching = crowd(&user, &id, WATCHERS).await;
    let after = process.usage().anonymous;
    let each = after.saturating_sub(before) / WATCHERS as u64;
    assert!(each <= EACH, "{each} bytes for each who watches");

    let asked = Instant::now();
    assert_eq!(user.delete(&format!("/api/tasks/{id}")).await.status, 204);
    let told = watching.into_iter().map(async |mut events| {
        let mut rest = events.rest().await;
        rest.retain(|event| event.name != "progress");
        assert_eq!(tells(&rest), ["deleted"]);
    });
    join_all(told).await;
    assert!(asked.elapsed() < PROMPTLY, "{:?}", asked.elapsed());
}

/// There is room for so many: more are refused, and admitted once those who
/// left are found to be gone, which is within a keep-alive.
#[tokio::test]
async fn whoever_leaves_makes_room() {
    // Of what is pending there is nothing to tell after the first.
    let (service, _gate) = super::busy().await;
    let user = new_user(&service);
    let id = user.accepted(&picture_url(), "echo it").await;
    let path = format!("/api/tasks/{id}/events");
    // They leave as soon as they are there.
    let come_and_go = async |count: usize| -> (usize, usize) {
        let visits = (0..count).map(async |_| user.open(&path).await.status().as_u16());
        let statuses: Vec<u16> = stream::iter(visits).buffer_unordered(64).collect().await;
        let of = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        (of(200), of(503))
    };
    let begin = Instant::now();
    let (admitted, refused) = come_and_go(MAX_WATCHERS + AT_ONCE).await;
    assert_eq!(admitted + refused, MAX_WATCHERS + AT_ONCE);
    // On a slow machine the first are found to be gone meanwhile.
    assert!(
        refused > 0 || begin.elapsed() > KEEP_ALIVE,
        "{:?}",
        begin.elapsed()
    );
    eventually("there is room", 2 * KEEP_ALIVE, async || {
        (come_and_go(AT_ONCE).await == (AT_ONCE, 0)).then_some(())
    })
    .await;
    assert_eq!(user.task(&id).await["status"], "pending");
}

/// Whoever watches goes elsewhere, and misses nothing.
#[tokio::test]
async fn a_stop_ends_all_streams_and_a_restart_goes_on() {
    let launch = scripted_launch();
    let mut service = launch.start();
    let (user, id, gate) = busy(&service).await;
    let (done, other, quick) = busy(&service).await;
    let mut last = done.events(&other, None).await;
    let seen = last.event().await.id;
    let watching = crowd(&user, &id, 50).await;
    let launch = launch.at(&service);
    service.terminate();
    let begin = Instant::now();
    let ends = watching.into_iter().map(async |mut events| {
        assert!(!events.breaks_off().await, "it ends as it should");
    });
    join_all(ends).await;
    assert!(!last.breaks_off().await);
    assert!(begin.elapsed() < PROMPTLY, "{:?}", begin.elapsed());
    assert!(!service.has_ended(), "what is under way is finished");
    drop(gate);
    quick.open();
    let ended = tokio::task::spawn_blocking(|| service.ended())
        .await
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert!(begin.elapsed() < PROMPTLY, "{:?}", begin.elapsed());

    let _service = launch.start();
    let done = done.reconnected();
    let rest = done.events(&other, seen.as_deref()).await.rest().await;
    assert_eq!(tells(&rest), ["completed"]);
}

/// A crash breaks them off; who comes again is told of what went on since.
#[tokio::test]
async fn a_crash_breaks_them_off() {
    let launch = scripted_launch();
    let service = launch.start();
    let launch = launch.at(&service);
    let (user, id, gate) = busy(&service).await;
    let mut events = user.events(&id, None).await;
    let seen = events.event().await;
    service.kill();
    assert!(events.breaks_off().await);
    let _service = launch.start();
    let user = user.reconnected();
    let mut events = user.events(&id, seen.id.as_deref()).await;
    drop(gate);
    let mut rest = events.rest().await;
    rest.retain(|event| event.name == "task");
    assert_eq!(tells(&rest).last().unwrap(), "completed");
    let again = rest.iter().any(|event| event.id == seen.id);
    assert!(!again, "{rest:?}");
}
