//! What an honest client feels while others wait, hang, or ask without end. Tests of
//! what becomes of those others are in `tests/e2e`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use concept_refinement_tests::attacks::Attacker;
use concept_refinement_tests::black_hole::BlackHole;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::{percentile, read};
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Service;
use concept_refinement_tests::tokens::token;
use concept_refinement_tests::{network, pictures};
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream;
use tokio::task::JoinSet;

use crate::turn;

/// For the requests of everyone else.
const LIMIT: Duration = Duration::from_millis(100);

/// How long they are timed.
const TIME: Duration = Duration::from_secs(4);

/// Between two of them.
const PAUSE: Duration = Duration::from_millis(5);

const GOOD: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SILENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// Reads the list of a user's tasks again and again.
async fn assert_quick(service: &Service, beside: &str) {
    let bystander = Client::user(service.url(), "bystander");
    let mut latencies = Vec::new();
    let end = Instant::now() + TIME;
    while Instant::now() < end {
        latencies.push(read(&bystander, "/api/tasks").await);
        tokio::time::sleep(PAUSE).await;
    }
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 50), percentile(&latencies, 99));
    let count = latencies.len();
    show(&format!(
        "GET of a list beside {beside}: p50 {p50:?} p99 {p99:?} ({count} requests)"
    ));
    assert!(count > 30, "{count} requests beside {beside}");
    assert!(p99 <= LIMIT, "{p99:?} beside {beside}");
}

/// Names that no server answers, addresses that answer no attempt to connect, and
/// origins that accept and say nothing: more than may be in flight.
#[tokio::test]
async fn originals_that_hang_slow_nobody() {
    const HANGING: usize = 120;

    let _turn = turn().await;
    if !network::is_inside("bystanders::originals_that_hang_slow_nobody") {
        return;
    }
    network::serve_names(|name| match name.ends_with(".silent.test") {
        true => None,
        false => Some(vec![GOOD]),
    });
    let origin = Origin::start();
    let silent = SocketAddr::new(SILENT, origin.port());
    let _hole = BlackHole::new(silent).await.unwrap();
    let accepts = origin.serve(Reply::raw(b"").then_silence());
    let launch = launch(&origin).set("allow-sources", "127.0.0.0/8");
    let service = launch.start();
    let hanging = join_all((0..HANGING).map(async |index| {
        let client = Client::user(service.url(), &format!("user {index}"));
        let url = match index % 3 {
            0 => format!("http://{index}.silent.test/a.png"),
            1 => format!("http://{silent}/a.png"),
            _ => accepts.clone(),
        };
        let id = client.accepted(&url, "echo it").await;
        (client, id)
    }))
    .await;
    assert_quick(&service, &format!("{HANGING} originals that hang")).await;
    let (client, id) = &hanging[HANGING - 1];
    let task = client.task(id).await;
    assert!(task["completed_at"].is_null(), "it hung: {task}");
}

#[tokio::test]
async fn whoever_asks_for_readiness_slows_nobody() {
    const ASKING: usize = 16;

    let _turn = turn().await;
    let service = launch(&Origin::start()).start();
    let mut asking = JoinSet::new();
    for _ in 0..ASKING {
        let anybody = Client::new(service.url());
        asking.spawn(async move {
            loop {
                assert_eq!(anybody.get("/api/health/ready").await.status, 200);
            }
        });
    }
    assert_quick(&service, &format!("{ASKING} who ask for readiness")).await;
    assert!(asking.try_join_next().is_none(), "they asked on");
}

#[tokio::test]
async fn a_thousand_who_wait_slow_nobody() {
    const WAITING: usize = 1000;
    /// Clients that look at once whether their tasks are there.
    const AT_ONCE: usize = 16;

    let _turn = turn().await;
    let origin = Origin::start();
    let launch = launch(&origin).set("concurrency", "1");
    let service = launch.set("download-timeout", "5m").start();
    let (original, _gate) = origin.gated(&pictures::png(8, 8));
    // Of one address, which the bystander has not.
    let attacker = Attacker::new(&service, 2).client();
    let mut waiting = JoinSet::new();
    let users: Vec<_> = (0..WAITING)
        .map(|user| token(&format!("user {user}")))
        .collect();
    for user in &users {
        let (client, original) = (attacker.bearer(user), original.clone());
        let client = client.with("prefer", "wait=55");
        waiting.spawn(async move { client.refine(&original, "instant").await });
    }
    let accepted = stream::iter(&users).for_each_concurrent(AT_ONCE, async |user| {
        let client = attacker.bearer(user);
        eventually("a task is there", 2 * SOON, async || {
            let tasks = client.get("/api/tasks").await.json();
            tasks["tasks"][0]["task_id"].is_string().then_some(())
        })
        .await;
    });
    accepted.await;
    assert_quick(&service, &format!("{WAITING} who wait")).await;
    assert!(waiting.try_join_next().is_none(), "all wait");
}
