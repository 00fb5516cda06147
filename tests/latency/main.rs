//! What the API's users feel while models work hard, misbehave or are down. This
//! is a program of its own, so that no other test runs beside it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod bystanders;
mod computing;
mod crowding;
mod undelivered;

use std::pin::pin;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::faults::MODEL_DOWN;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::{latencies, percentile};
use concept_refinement_tests::outage::Outage;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Launch;
use futures::future::{Either, join_all, select};
use tokio::sync::{Mutex, MutexGuard};

const LIMIT: Duration = Duration::from_millis(50);

/// On a machine that is busy with other things even a quiet service is slow.
const NOISE: u32 = 4;

/// Not one beside the other either.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

#[tokio::test]
async fn reading_a_task_stays_quick_while_models_misbehave() {
    let _turn = turn().await;
    let origin = Origin::start();
    let service = launch(&origin)
        .set("model-timeout", "2s")
        .set("model-memory", "512MiB")
        .start();
    let url = origin.picture(&pictures::png(64, 64));
    let reader = Client::user(service.url(), "reader");
    let task = reader.completed(&url, "echo it").await;
    let id = task["task_id"].as_str().unwrap();

    let quiet = latencies(&reader, id, Duration::from_secs(2)).await;
    let prompts = ["loop for ever", "eat memory", "trap now", "loop for ever"];
    let misbehaving = prompts.iter().cycle().take(12).enumerate();
    let misbehaving = misbehaving.map(async |(index, prompt)| {
        let client = Client::user(service.url(), &format!("user {index}"));
        let task = client.refined(&url, prompt).await;
        let message = task["error_message"].as_str().unwrap();
        let begin = "Error in refinement task processing: Image refinement failed: ";
        assert!(message.starts_with(begin), "{prompt}: {message}");
    });
    let measured = latencies(&reader, id, Duration::from_secs(6));
    let (_, busy) = tokio::join!(join_all(misbehaving), measured);

    let (quiet_p99, p99) = (percentile(&quiet, 99), percentile(&busy, 99));
    show(&format!(
        "GET of a task: quiet p50 {:?} p99 {quiet_p99:?} ({} requests), \
         beside misbehaving models p50 {:?} p99 {p99:?} ({} requests)",
        percentile(&quiet, 50),
        quiet.len(),
        percentile(&busy, 50),
        busy.len(),
    ));
    assert!(quiet.len() > 100 && busy.len() > 100);
    let allowed = LIMIT.max(quiet_p99 * NOISE);
    assert!(p99 < allowed, "{p99:?} is not within {allowed:?}");
    reader.completed(&url, "echo it").await;
}

/// A dozen megapixels each, as phones take them, and more at once than there are
/// cores: they are decoded and edited as the cores and the memory allow.
#[tokio::test]
async fn reading_a_task_stays_quick_beside_large_originals() {
    const AT_ONCE: usize = 8;
    /// What a service takes beside the images, and what the image itself takes
    /// in the model while it is edited.
    const SERVICE: u64 = 300;
    const EACH: u64 = 300;

    let _turn = turn().await;
    let origin = Origin::start();
    let service = Launch::new()
        .set("allow-sources", &origin.authority())
        .set("rate-limit", "unlimited")
        .start();
    let reader = Client::session(service.url()).await;
    let small = origin.picture(&pictures::png(64, 64));
    let task = reader.completed(&small, "make it lighter").await;
    let id = task["task_id"].as_str().unwrap();
    let large = origin.picture(&pictures::jpeg(4000, 3000));

    let quiet = latencies(&reader, id, Duration::from_secs(2)).await;
    let begin = Instant::now();
    let refined = join_all((0..AT_ONCE).map(async |_| {
        let client = Client::session(service.url()).await;
        let id = client
            .accepted(&large, "make it lighter and sharper, with a vignette")
            .await;
        let task = eventually(
            "a large one is finished",
            Duration::from_secs(120),
            async || {
                let task = client.task(&id).await;
                (task["completed_at"] != serde_json::Value::Null).then_some(task)
            },
        );
        let task = task.await;
        assert_eq!(task["status"], "completed", "{task}");
    }));
    let mut refined = pin!(refined);
    let mut busy = Vec::new();
    let finished = loop {
        let slice = pin!(latencies(&reader, id, Duration::from_secs(1)));
        match select(refined.as_mut(), slice).await {
            Either::Left((_, slice)) => {
                busy.extend(slice.await);
                break begin.elapsed();
            }
            Either::Right((slice, _)) => busy.extend(slice),
        }
    };
    busy.sort_unstable();

    let (quiet_p99, p99) = (percentile(&quiet, 99), percentile(&busy, 99));
    let peak = service.usage().peak >> 20;
    show(&format!(
        "GET of a task: quiet p50 {:?} p99 {quiet_p99:?}, beside {AT_ONCE} originals of 12 \
         megapixels p50 {:?} p99 {p99:?} ({} requests); all completed within {finished:?}, with \
         at most {peak} MiB",
        percentile(&quiet, 50),
        percentile(&busy, 50),
        busy.len(),
    ));
    assert!(busy.len() > 100);
    let allowed = LIMIT.max(quiet_p99 * NOISE);
    assert!(p99 < allowed, "{p99:?} is not within {allowed:?}");
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    let room = SERVICE + EACH * cores.min(AT_ONCE as u64);
    assert!(peak < room, "{peak} MiB are more than {room} MiB");
}

/// The short form of what the soak test does for a minute.
#[tokio::test]
async fn the_api_stays_quick_while_the_model_is_down() {
    let _turn = turn().await;
    let origin = Origin::start();
    let launch = launch(&origin).faulty();
    let switch = launch.data().join("model-is-down");
    let launch = launch.variable(MODEL_DOWN, switch.to_str().unwrap());
    let service = launch.start();
    let url = origin.picture(&pictures::png(64, 64));
    let outage = Outage {
        switch: &switch,
        before: Duration::from_secs(3),
        time: Duration::from_secs(10),
        submits_a_second: 50,
    };
    let survived = outage.survive(&Client::new(service.url()), &url).await;
    let before_p99 = percentile(&survived.before, 99);
    let p99 = percentile(&survived.latencies, 99);
    show(&format!(
        "the model down for {:?}: p99 {before_p99:?} before it, {} requests in it, p50 {:?} \
         p99 {p99:?}; {} tasks completed, {} \
         failed, all within {:?} of its return; the disk's longest flush in it {:?}",
        outage.time,
        survived.latencies.len(),
        percentile(&survived.latencies, 50),
        survived.completed,
        survived.failed,
        survived.recovery,
        survived.flush,
    ));
    assert!(survived.latencies.len() > 500);
    assert!(survived.failed > 0, "the model was not down");
    assert!(survived.completed > 0, "the model did not come back");
    // A submission that comes while the disk flushes waits for that and for its own.
    let allowed = LIMIT.max(before_p99 * NOISE) + survived.flush * 2;
    assert!(p99 < allowed, "{p99:?} is not within {allowed:?}");
}
