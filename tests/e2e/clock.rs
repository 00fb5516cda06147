//! A clock that jumps while a retention is set: the host within this process, by
//! a clock of ours; and what the executable says of it, by a clock that is off.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Clock as _;
use concept_refinement_capability::clock::{ManualClock, SystemClock};
use concept_refinement_host::Host;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::CLOCK;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::{artifacts, pictures, reaper};

use crate::metrics::{Metrics, measured_launch, scrape};
use crate::rebinding::host_in;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Within which there are some rounds.
const RETENTION: &str = "20s";

/// How far the clock goes on between two looks: so little that nothing is old before
/// it jumps, however long the looks take.
const STEP: Duration = Duration::from_millis(1);

async fn start(data: &Path, clock: &Arc<ManualClock>, confirmed_day: Option<&str>) -> Host {
    let mut settings = vec![("retention", RETENTION)];
    settings.extend(confirmed_day.map(|day| ("confirm-clock", day)));
    host_in(data, &settings, |builder| {
        builder.clock(Arc::clone(clock) as _)
    })
    .await
}

fn base(host: &Host) -> String {
    format!("http://{}", host.address())
}

/// Waits until there were two rounds more, while the clock goes on.
async fn two_rounds(host: &Host, clock: &ManualClock) {
    let last = async || {
        let last = host.capabilities().maintenance().last_round().await;
        last.unwrap().map(|round| round.at)
    };
    for _ in 0..2 {
        let before = last().await;
        eventually("a round", SOON, async || {
            clock.advance(STEP);
            (last().await != before).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_jump_nothing_is_deleted_until_the_clock_is_confirmed() {
    let data = reaper::scratch("host");
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    let start_at = SystemClock.now();
    let clock = Arc::new(ManualClock::at(start_at));
    let host = start(&data, &clock, None).await;
    let client = Client::session(&base(&host)).await;
    let paths = leave_something(&client).await;
    two_rounds(&host, &clock).await;
    let is_there = async |client: &Client| {
        for path in &paths {
            assert_eq!(client.get(path).await.status, 200, "{path}");
        }
    };

    clock.advance(DAY * 20);
    two_rounds(&host, &clock).await;
    is_there(&client).await;
    host.stop().await;

    let host = start(&data, &clock, None).await;
    let client = client.at(&base(&host));
    two_rounds(&host, &clock).await;
    is_there(&client).await;
    host.stop().await;

    let today = clock.now().to_string();
    let (today, _) = today.split_once('T').unwrap();
    let host = start(&data, &clock, Some(today)).await;
    let client = client.at(&base(&host));
    for path in &paths {
        eventually("what is old goes", SOON, async || {
            (client.get(path).await.status == 404).then_some(())
        })
        .await;
    }
    host.stop().await;
}

/// What is deleted for its age: an upload, a task, a concept.
async fn leave_something(client: &Client) -> [String; 3] {
    let upload = client.uploaded(&pictures::png(8, 8)).await;
    let task = client.completed(&upload, "echo it").await;
    let id = |name: &str| task[name].as_str().unwrap();
    let (_, path) = upload.split_once("/api/images/").unwrap();
    [
        format!("/api/images/{}", path.split('?').next().unwrap()),
        format!("/api/tasks/{}", id("task_id")),
        format!("/api/concepts/{}", id("result_id")),
    ]
}

/// The executable's rounds of deletion until now.
async fn rounds(metrics: &Metrics) -> f64 {
    let (_, read) = scrape(metrics).await;
    let name = "concept_refinement_store_operation_duration_seconds_count";
    read.sum(name, &[("operation", "remember-round")])
}

async fn rounds_become(metrics: &Metrics, least: f64) {
    eventually("a round", SOON, async || {
        (rounds(metrics).await >= least).then_some(())
    })
    .await;
}

fn warnings(log: &str) -> Vec<&str> {
    let lines = log.lines();
    lines
        .filter(|line| line.contains("the clock jumped"))
        .collect()
}

#[tokio::test]
async fn the_operator_is_told_once_of_a_jump_and_how_to_confirm_the_clock() {
    let launch = Launch::new().scripted().faulty();
    let launch = launch.set("retention", RETENTION);
    let clock = launch.data().with_file_name("clock");
    let launch = launch.variable(CLOCK, clock.to_str().unwrap());
    let (service, metrics) = measured_launch(launch).await;
    let client = Client::session(service.url()).await;
    let paths = leave_something(&client).await;
    rounds_become(&metrics, 1.0).await;
    assert_eq!(warnings(&service.log()), [""; 0]);

    let jump = DAY * 20;
    std::fs::write(&clock, jump.as_secs().to_string()).unwrap();
    eventually("a warning", SOON, async || {
        (!warnings(&service.log()).is_empty()).then_some(())
    })
    .await;
    // The next round has begun once the one that warned is over.
    let warned = rounds(&metrics).await;
    rounds_become(&metrics, warned + 3.0).await;
    let log = service.log();
    let [warning] = warnings(&log)[..] else {
        panic!("not once: {log}");
    };
    assert!(warning.contains("WARN"), "{warning}");
    let today = SystemClock.now().plus(jump).to_string();
    let (today, _) = today.split_once('T').unwrap();
    let confirmed = format!("--confirm-clock {today}");
    assert!(warning.contains(&confirmed), "{warning}");
    for path in &paths {
        let found = client.get(path).await;
        assert_eq!(found.status, 200, "{path}: {found:?}");
    }
}
