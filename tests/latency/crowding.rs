//! One client takes all that it can get: others are answered, and quickly.

use std::time::{Duration, Instant};

use concept_refinement_tests::attacks::{Attacker, HTTP2, answers, endless_request};
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::tokens::token;

use crate::turn;

/// For the requests of everyone else.
const LIMIT: Duration = Duration::from_millis(100);

/// What the service has places for, at most.
const CONNECTIONS: usize = 4096;
const REQUESTS: usize = 2048;

const ROUNDS: usize = 100;

/// Two addresses.
fn both(service: &Service) -> (Attacker, Attacker) {
    (Attacker::new(service, 2), Attacker::new(service, 3))
}

/// Requests of somebody, each on a connection of its own.
async fn assert_served(who: &str, somebody: &Attacker, beside: &str) {
    let mut latencies = Vec::new();
    for _ in 0..ROUNDS {
        let client = somebody.client().bearer(&token("somebody"));
        for path in ["/api/health", "/api/tasks"] {
            let begin = Instant::now();
            let answer = client.get(path).await;
            latencies.push(begin.elapsed());
            assert_eq!(answer.status, 200, "{path} beside {beside}: {answer:?}");
        }
    }
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 50), percentile(&latencies, 99));
    show(&format!("{who} beside {beside}: p50 {p50:?} p99 {p99:?}"));
    assert!(p99 < LIMIT, "{p99:?} beside {beside}");
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.error_code(), "SERVICE_UNAVAILABLE");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 0);
}

#[tokio::test]
async fn silent_connections_shut_nobody_out() {
    let _turn = turn().await;
    let service = launch(&Origin::start()).start();
    let (attacker, other) = both(&service);
    let silent = attacker.connections(CONNECTIONS / 2, b"").await;
    let begun = attacker.connections(CONNECTIONS / 4, b"GET / HTTP/1.1\r\n");
    let begun = begun.await;
    let idle = attacker.connections(CONNECTIONS / 2, HTTP2).await;
    let beside = "5,120 silent connections of one address";
    assert_served("another", &other, beside).await;
    assert_served("one at that address", &attacker, beside).await;
    drop((silent, begun, idle));
}

#[tokio::test]
async fn slow_requests_of_a_user_shut_nobody_out() {
    let _turn = turn().await;
    let service = launch(&Origin::start()).start();
    let (attacker, other) = both(&service);
    let greedy = token("greedy");
    let says = endless_request(&greedy);
    let mut slow = attacker.connections(REQUESTS + 100, says.as_bytes()).await;
    let refused = answers(&mut slow).await;
    assert!(refused.len() >= REQUESTS / 4, "{}", refused.len());
    for answer in &refused {
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
    }
    let beside = "2,148 slow requests of one user";
    assert_served("another", &other, beside).await;
    assert_served("one at that address", &attacker, beside).await;
    let elsewhere = other.client().bearer(&greedy);
    assert_refused(&elsewhere.get("/api/tasks").await);
    assert_eq!(elsewhere.get("/api/health").await.status, 200);
}

#[tokio::test]
async fn slow_requests_of_an_address_shut_nobody_out() {
    let _turn = turn().await;
    let service = launch(&Origin::start()).start();
    let (attacker, other) = both(&service);
    let mut slow = Vec::new();
    for user in 0..REQUESTS + 100 {
        let says = endless_request(&token(&format!("user {user}")));
        slow.push(attacker.connection(says.as_bytes()).await);
    }
    assert_served("another", &other, "2,148 slow requests of one address").await;
    let same = attacker.client().bearer(&token("somebody"));
    assert_refused(&same.get("/api/tasks").await);
    assert_eq!(same.get("/api/health").await.status, 200);
    drop(slow);
    eventually("there is room again", SOON, async || {
        (same.get("/api/tasks").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn watchers_shut_nobody_out() {
    let _turn = turn().await;
    let origin = Origin::start();
    let service = launch(&origin).start();
    let (attacker, other) = both(&service);
    let (url, _gate) = origin.gated(&pictures::png(8, 8));
    let greedy = token("greedy");
    let id = Client::new(service.url()).bearer(&greedy);
    let id = id.accepted(&url, "echo it").await;
    let watch = format!(
        "GET /api/tasks/{id}/events HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {greedy}\r\n\r\n"
    );
    let watch = watch.as_bytes();
    let mut watching = attacker.connections(1000, watch).await;
    eventually("a thousand watch", SOON, async || {
        let answers = answers(&mut watching).await;
        for answer in &answers {
            let is_event = !answer.starts_with("HTTP/1.1 ");
            assert!(is_event || answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        (!answers.is_empty()).then_some(())
    })
    .await;
    let more = attacker.connections(CONNECTIONS - 1000, watch).await;
    eventually("they have their share", SOON, async || {
        let mut one = attacker.connections(1, watch).await;
        let answers = answers(&mut one).await;
        let answer = answers.first()?;
        answer.starts_with("HTTP/1.1 503 ").then_some(())
    })
    .await;
    assert_served("another", &other, "4,096 watchers of one address").await;
    for _ in 0..ROUNDS {
        let health = attacker.client().get("/api/health").await;
        assert_eq!(health.status, 200);
    }
    let watcher = other.client().bearer(&token("another"));
    let id = watcher.accepted(&url, "echo it").await;
    let mut events = watcher.events(&id, None).await;
    assert_eq!(events.event().await.name, "task");
    drop((watching, more));
}
