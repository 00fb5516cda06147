//! What the API's users feel while models misbehave. This is a program of its
//! own, so that no other test runs beside it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::{AUDIENCE, ISSUER, SECRET};
use futures::future::join_all;

const LIMIT: Duration = Duration::from_millis(50);

/// On a machine that is busy with other things even a quiet service is slow.
const NOISE: u32 = 4;

#[tokio::test]
async fn reading_a_task_stays_quick_while_models_misbehave() {
    let origin = Origin::start();
    let service = Launch::new()
        .scripted()
        .set("auth", "secret")
        .variable("REFINEMENT_JWT_SECRET", SECRET)
        .set("jwt-audience", AUDIENCE)
        .set("jwt-issuer", ISSUER)
        .set("allow-sources", &origin.authority())
        .set("rate-limit", "unlimited")
        .set("model-timeout", "2s")
        .set("model-memory", "512MiB")
        .start();
    let url = origin.picture(&pictures::png(64, 64));
    let reader = Client::user(service.url(), "reader");
    let task = reader.refined(&url, "echo it").await;
    assert_eq!(task["status"], "completed", "{task}");
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
    // Not by println!, which is shown for a failure only.
    let mut shown = std::io::stderr();
    writeln!(
        shown,
        "GET of a task: quiet p50 {:?} p99 {quiet_p99:?} ({} requests), \
         beside misbehaving models p50 {:?} p99 {p99:?} ({} requests)",
        percentile(&quiet, 50),
        quiet.len(),
        percentile(&busy, 50),
        busy.len(),
    )
    .unwrap();
    assert!(quiet.len() > 100 && busy.len() > 100);
    let allowed = LIMIT.max(quiet_p99 * NOISE);
    assert!(p99 < allowed, "{p99:?} is not within {allowed:?}");
    let after = reader.refined(&url, "echo it").await;
    assert_eq!(after["status"], "completed", "{after}");
}

/// How long each of many reads takes, from the fastest on.
async fn latencies(client: &Client, id: &str, time: Duration) -> Vec<Duration> {
    let end = Instant::now() + time;
    let readers = (0..4).map(async |_| {
        let mut latencies = Vec::new();
        while Instant::now() < end {
            let begin = Instant::now();
            client.task(id).await;
            latencies.push(begin.elapsed());
            // As fast as possible would measure how busy this reader keeps the
            // machine.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        latencies
    });
    let mut all = join_all(readers).await.concat();
    all.sort_unstable();
    all
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}
