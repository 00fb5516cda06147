//! Clients that prefer to wait for the end of their task.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::Gate;
use concept_refinement_tests::service::Service;
use futures::stream::{self, StreamExt as _};
use tokio::task::JoinSet;

use crate::shared::{self, new_user, picture_url, scripted_launch};

/// So many may wait at once, of one address.
const WAITING: usize = 1000;

/// Clients that look at once whether their tasks are there.
const AT_ONCE: usize = 16;

/// What one may take, in bytes, with its connection and its pending task: twice of
/// what it does.
const EACH: u64 = 80_000;

/// What the whole process may take meanwhile, in bytes.
const MAX_MEMORY: u64 = 300_000_000;

/// A busy machine takes longer to do anything.
const QUICK: Duration = Duration::from_secs(2);

/// A service whose only place is taken until the gate opens.
async fn busy() -> (Service, Gate) {
    let launch = scripted_launch().set("concurrency", "1");
    // Longer than anybody waits here.
    let service = launch.set("download-timeout", "5m").start();
    let (_, _, gate) = shared::busy(&service).await;
    (service, gate)
}

/// Users who wait, each for a task of its own, once all have it.
async fn crowd(service: &Service, count: usize) -> JoinSet<Answer> {
    let original = picture_url();
    let mut waiting = JoinSet::new();
    let mut users = Vec::new();
    for _ in 0..count {
        let user = new_user(service).with("prefer", "wait=55");
        let original = original.clone();
        let of_user = user.reconnected();
        waiting.spawn(async move { of_user.refine(&original, "instant").await });
        users.push(user);
    }
    let accepted = stream::iter(users).for_each_concurrent(AT_ONCE, async |user| {
        let task = eventually("a task is there", 2 * SOON, async || {
            let tasks = user.get("/api/tasks").await.json();
            tasks["tasks"].get(0).cloned()
        })
        .await;
        assert_eq!(task["status"], "pending");
    });
    accepted.await;
    waiting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_wait_at_little_cost_and_all_are_answered() {
    let (service, gate) = busy().await;
    // Memory that the first cause is shared by all.
    drop(crowd(&service, 32).await);
    let process = Process::of(service.id());
    let before = process.usage().anonymous;
    let mut waiting = crowd(&service, WAITING).await;
    let usage = process.usage();
    let each = usage.anonymous.saturating_sub(before) / WAITING as u64;
    println!("{each} bytes for each who waits, {} in all", usage.resident);
    assert!(each <= EACH, "{each} bytes for each who waits");
    assert!(usage.resident <= MAX_MEMORY, "{} bytes", usage.resident);
    assert!(waiting.try_join_next().is_none(), "all wait");

    let begin = Instant::now();
    let other = new_user(&service);
    let health = Client::new(service.url());
    let (list, health) = tokio::join!(other.get("/api/tasks"), health.get("/api/health"));
    assert_eq!((list.status, health.status), (200, 200));
    assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());

    gate.open();
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["status"], "completed");
    }
}

#[tokio::test]
async fn a_stop_answers_all_who_wait() {
    let (mut service, _gate) = busy().await;
    let mut waiting = crowd(&service, 20).await;
    service.terminate();
    let begin = Instant::now();
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.json()["status"], "pending");
        assert_eq!(answer.header("preference-applied"), None);
    }
    assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());
}
