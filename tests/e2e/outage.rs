//! An engine that is away in one way or another: how it is away, and what the service
//! promises meanwhile.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{READINESS, eventually};
use concept_refinement_tests::proxy::Mode;

/// How long a call may take that needs what is away, and how long its return may
/// go unnoticed.
const REFUSED_WITHIN: Duration = Duration::from_secs(3);
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// Of a busy machine, for what is measured through the whole service.
const SLACK: Duration = Duration::from_millis(500);

/// All ways to be away.
pub const MODES: [Mode; 6] = [
    Mode::Refuse,
    Mode::Hang,
    Mode::OneWay,
    Mode::Reset,
    Mode::Delay(Duration::from_secs(4)),
    Mode::Cut(40),
];

/// The answers to calls of which some need what is away.
pub async fn in_time<T>(mode: Mode, calls: impl Future<Output = T>) -> T {
    let begin = Instant::now();
    let answers = calls.await;
    let elapsed = begin.elapsed();
    assert!(elapsed < REFUSED_WITHIN + SLACK, "{mode:?}: {elapsed:?}");
    answers
}

/// Readiness names the capability that is away, and not the one that works.
pub async fn degraded(client: &Client, mode: Mode, away: &str, works: &str) {
    let degraded = eventually("degraded", READINESS, async || {
        let ready = client.get("/api/health/ready").await;
        (ready.status == 503).then_some(ready)
    });
    let report = degraded.await.json();
    assert_eq!(report["capabilities"][works], "ok", "{mode:?}");
    assert_ne!(report["capabilities"][away], "ok", "{mode:?}");
}

/// It is noticed in time that the engine is back.
pub async fn works_again(mut works: impl AsyncFnMut() -> bool) {
    let (begin, limit) = (Instant::now(), BACK_WITHIN + SLACK);
    eventually("it works again", limit, async || {
        works().await.then_some(())
    })
    .await;
    let elapsed = begin.elapsed();
    assert!(elapsed < limit, "{elapsed:?}");
}

pub async fn ready(client: &Client) {
    eventually("ready", READINESS, async || {
        let ready = client.get("/api/health/ready").await;
        (ready.status == 200).then_some(())
    })
    .await;
}
