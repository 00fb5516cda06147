//! A full disk under load is no reason to fill the log or to keep a core busy.

use std::time::{Duration, Instant};

use concept_refinement_tests::pictures;
use futures::future::join_all;

use crate::disk::shared::{
    NO_ROOM_FOR_TASKS, assert_unavailable, complete, on_small_disk, origin, original, put_off, user,
};

const TASKS: usize = 40;

/// Tasks in flight.
const CONCURRENCY: u32 = 4;

/// Long enough for each task to be tried again.
const WATCHED: Duration = Duration::from_secs(6);

/// Of one core.
const MAX_BUSY: f64 = 0.25;

/// A few sentences, each at most once a second.
const MAX_LINES: f64 = 10.0;

#[tokio::test]
async fn it_waits_quietly_for_room() {
    let launch = on_small_disk()
        .set("concurrency", &CONCURRENCY.to_string())
        // As long as those in flight wait for room.
        .set("task-timeout", "10s")
        .set("lease", "1s");
    let service = launch.start();
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let clients: Vec<_> = (0..TASKS)
        .map(|number| user(&service, &format!("user {number}")))
        .collect();
    let mut ids = Vec::new();
    for client in &clients {
        ids.push(client.accepted(&url, "echo it").await);
    }
    clients[0].task_is(&ids[0], "processing").await;
    launch.disk().fill();
    gate.open();
    put_off(&service, "").await;

    let (busy, earlier) = (service.usage().processor, service.log().len());
    tokio::time::sleep(WATCHED).await;
    let busy = (service.usage().processor - busy).as_secs_f64() / WATCHED.as_secs_f64();
    let log = service.log().split_off(earlier);
    let (lines, tries) = (count(&log, WATCHED), tries(&log, WATCHED));
    println!(
        "waiting: {:.1} % of a core, {tries:.1} tries and {lines:.1} lines a second",
        busy * 100.0
    );
    assert!(busy < MAX_BUSY, "{busy}");
    assert!(lines < MAX_LINES, "{lines}: {log}");
    // What happened in the second before is told with the first line.
    assert!(tries <= f64::from(CONCURRENCY) * 1.5, "{tries}: {log}");

    let earlier = service.log().len();
    let begin = Instant::now();
    let url = original();
    let requests: usize = join_all((0..8).map(async |number| {
        let client = user(&service, &format!("new {number}"));
        let mut requests = 0;
        while begin.elapsed() < WATCHED / 3 {
            assert_unavailable(&client.refine(&url, "echo it").await, NO_ROOM_FOR_TASKS);
            requests += 1;
        }
        requests
    }))
    .await
    .into_iter()
    .sum();
    let log = service.log().split_off(earlier);
    let lines = count(&log, begin.elapsed());
    println!("{requests} requests: {lines:.1} lines a second");
    assert!(lines < MAX_LINES, "{lines}: {log}");

    complete(&launch, service, &clients, &ids).await;
}

/// Lines a second.
fn count(log: &str, time: Duration) -> f64 {
    f64::from(u32::try_from(log.lines().count()).unwrap()) / time.as_secs_f64()
}

/// Tasks that were put off a second.
fn tries(log: &str, time: Duration) -> f64 {
    let tries: u32 = log
        .lines()
        .filter(|line| line.contains("to be delivered again"))
        .map(|line| {
            let (_, times) = line.split_once("times=").unwrap();
            let digits = times.split(|end: char| !end.is_ascii_digit()).next();
            digits.unwrap().parse::<u32>().unwrap()
        })
        .sum();
    f64::from(tries) / time.as_secs_f64()
}
