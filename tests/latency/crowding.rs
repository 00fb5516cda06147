//! One client takes all that it can get: others are answered, and quickly.

use std::time::Duration;

use concept_refinement_tests::attacks::{
    Attacker, HTTP2, answer, answers, endless_request, forwarded,
};
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::{percentile, read};
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;

use crate::turn;

/// For the requests of everyone else.
const LIMIT: Duration = Duration::from_millis(100);

/// What the service has places for, at most.
const CONNECTIONS: usize = 4096;
const REQUESTS: usize = 2048;

/// Places that others have at that moment, at most.
const SLACK: usize = 16;

const ROUNDS: usize = 100;

/// Two addresses.
fn both(service: &Service) -> (Attacker, Attacker) {
    (Attacker::new(service, 2), Attacker::new(service, 3))
}

/// Requests of somebody, each on a connection of its own.
async fn assert_served(who: &str, somebody: &Client, beside: &str) {
    let mut latencies = Vec::new();
    for _ in 0..ROUNDS {
        let client = somebody.reconnected().bearer(&token("somebody"));
        for path in ["/api/health", "/api/tasks"] {
            latencies.push(read(&client, path).await);
        }
    }
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 50), percentile(&latencies, 99));
    show(&format!("{who} beside {beside}: p50 {p50:?} p99 {p99:?}"));
    assert!(p99 < LIMIT, "{p99:?} beside {beside}");
}

/// Whoever measures is answered too.
async fn assert_measured(service: &Service, beside: &str) {
    let url = format!("{}/metrics", service.metrics().await);
    let mut latencies = Vec::new();
    for _ in 0..20 {
        latencies.push(read(&Client::new("no API"), &url).await);
    }
    latencies.sort_unstable();
    let slowest = percentile(&latencies, 100);
    show(&format!("a scrape beside {beside}: at most {slowest:?}"));
    assert!(slowest < LIMIT, "{slowest:?} beside {beside}");
}

/// All of them, each in good form.
fn assert_refusals(answers: &[String]) {
    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
    }
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.error_code(), "SERVICE_UNAVAILABLE");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 0);
}

/// What one user is refused costs others no more than what it is answered: it waits for no
/// lock, and has its share of the connections to a database.
#[tokio::test]
async fn refused_submissions_of_a_user_shut_nobody_out() {
    const AT_ONCE: usize = 200;
    let _turn = turn().await;
    let origin = Origin::start();
    let service = launch(&origin).start();
    let (attacker, other) = both(&service);
    let (url, _gate) = origin.gated(&pictures::png(8, 8));
    let greedy = attacker.client().bearer(&token("greedy"));
    let task = greedy.accepted(&url, "echo it").await;
    let looked = format!("/api/tasks/{task}");
    let refused = json!({"original_image_url": url, "refinement_prompt": "echo it"});
    let mut medians = Vec::new();
    for is_refused in [false, true] {
        let mut asking = JoinSet::new();
        for _ in 0..AT_ONCE {
            let greedy = greedy.reconnected().bearer(&token("greedy"));
            let (looked, refused) = (looked.clone(), refused.clone());
            asking.spawn(async move {
                loop {
                    let (answer, expected) = match is_refused {
                        true => (greedy.post("/api/concepts/refine", &refused).await, 409),
                        false => (greedy.get(&looked).await, 200),
                    };
                    assert_eq!(answer.status, expected, "{answer:?}");
                }
            });
        }
        let mut latencies = Vec::new();
        for _ in 0..ROUNDS {
            let client = other.client().bearer(&token("somebody"));
            latencies.push(read(&client, "/api/tasks").await);
        }
        let ended = asking.try_join_next();
        assert!(ended.is_none(), "{ended:?}");
        latencies.sort_unstable();
        medians.push(percentile(&latencies, 50));
    }
    show(&format!(
        "another beside {AT_ONCE} looks, and as many refusals: p50 {medians:?}"
    ));
    assert!(medians[1] < (medians[0] * 3).max(LIMIT), "{medians:?}");
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
    assert_served("another", &other.client(), beside).await;
    assert_served("one at that address", &attacker.client(), beside).await;
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
    assert_refusals(&refused);
    // One user does get three quarters.
    let expected = REQUESTS / 4..=REQUESTS / 4 + 100 + SLACK;
    assert!(expected.contains(&refused.len()), "{}", refused.len());
    let beside = "2,148 slow requests of one user";
    assert_served("another", &other.client(), beside).await;
    assert_served("one at that address", &attacker.client(), beside).await;
    let elsewhere = other.client().bearer(&greedy);
    assert_refused(&elsewhere.get("/api/tasks").await);
    assert_eq!(elsewhere.get("/api/health").await.status, 200);
}

#[tokio::test]
async fn slow_requests_of_an_address_shut_nobody_out() {
    let _turn = turn().await;
    let launch = launch(&Origin::start());
    let service = launch.set("metrics-listen", "127.0.0.1:0").start();
    let (attacker, other) = both(&service);
    let users = (0..REQUESTS + 100).map(|user| token(&format!("user {user}")));
    let slow = attacker
        .each(users.map(|user| endless_request(&user)))
        .await;
    let beside = "2,148 slow requests of one address";
    assert_served("another", &other.client(), beside).await;
    assert_measured(&service, beside).await;
    let same = attacker.client().bearer(&token("somebody"));
    assert_refused(&same.get("/api/tasks").await);
    assert_eq!(same.get("/api/health").await.status, 200);
    drop(slow);
    eventually("there is room again", SOON, async || {
        (same.get("/api/tasks").await.status == 200).then_some(())
    })
    .await;
}

/// What comes by way of a proxy is of many.
#[tokio::test]
async fn a_trusted_proxy_is_no_client() {
    const CLIENTS: usize = 2000;
    let _turn = turn().await;
    let launch = launch(&Origin::start());
    let service = launch.set("trusted-proxies", "127.0.0.0/8").start();
    let proxy = Attacker::new(&service, 2);
    let requests = (0..CLIENTS).map(|number| {
        let address = format!("198.18.{}.{}", number / 256, number % 256);
        forwarded(&endless_request(&token(&address)), &address)
    });
    let mut slow = proxy.each(requests).await;
    let another = proxy.client().with("x-forwarded-for", "203.0.113.1");
    let beside = "2,000 slow requests of clients of a proxy";
    assert_served("another one of them", &another, beside).await;
    assert_eq!(answers(&mut slow).await, [""; 0], "all are under way");
}

#[tokio::test]
async fn slow_requests_of_a_proxys_client_shut_nobody_out() {
    let _turn = turn().await;
    let launch = launch(&Origin::start());
    let service = launch.set("trusted-proxies", "127.0.0.0/8").start();
    let proxy = Attacker::new(&service, 2);
    let users = (0..REQUESTS + 100).map(|user| token(&format!("user {user}")));
    let requests = users.map(|user| forwarded(&endless_request(&user), "198.18.0.1"));
    let mut slow = proxy.each(requests).await;
    let refused = answers(&mut slow).await;
    assert_refusals(&refused);
    // More than one user gets.
    let expected = REQUESTS / 8..=REQUESTS / 8 + 100 + SLACK;
    assert!(expected.contains(&refused.len()), "{}", refused.len());
    let beside = "2,148 slow requests of one client of a proxy";
    let another = proxy.client().with("x-forwarded-for", "203.0.113.1");
    assert_served("another one of them", &another, beside).await;
    let same = proxy.client().with("x-forwarded-for", "198.18.0.1");
    let same = same.bearer(&token("somebody"));
    assert_refused(&same.get("/api/tasks").await);
    assert_eq!(same.get("/api/health").await.status, 200);
}

/// Each user of that address waits for a task of its own.
#[tokio::test]
async fn who_waits_shuts_nobody_out() {
    /// Opened at once, so that those who are only told that they are too many find
    /// one of the connections that do so.
    const AT_ONCE: usize = 16;

    let _turn = turn().await;
    let origin = Origin::start();
    // Each task is promised room for an image, and disks are small.
    let launch = launch(&origin).set("max-image-bytes", "1MiB");
    let launch = launch.set("concurrency", "1");
    // The first one's original does not come, however long the others take to connect.
    let launch = launch.set("download-timeout", "5m");
    let service = launch.set("metrics-listen", "127.0.0.1:0").start();
    let (attacker, other) = both(&service);
    let (url, _gate) = origin.gated(&pictures::png(8, 8));
    let waits = |user: usize| {
        let body = json!({"original_image_url": url, "refinement_prompt": "echo it"}).to_string();
        format!(
            "POST /api/concepts/refine HTTP/1.1\r\nhost: localhost\r\n\
             authorization: Bearer {}\r\nprefer: wait=55\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            token(&format!("user {user}")),
            body.len()
        )
    };
    let share = CONNECTIONS * 3 / 4;
    let mut waiting = attacker.each((0..share).map(waits)).await;
    let metrics = format!("{}/metrics", service.metrics().await);
    eventually("all wait", SOON, async || {
        let scrape = Client::new("no API").get(&metrics).await;
        let scrape = Exposition::parse(&String::from_utf8_lossy(&scrape.body));
        let in_flight = scrape.sum("concept_refinement_http_requests_in_flight", &[]);
        (in_flight >= share as f64).then_some(())
    })
    .await;
    for first in (share..CONNECTIONS).step_by(AT_ONCE) {
        let mut more = attacker.each((first..first + AT_ONCE).map(waits)).await;
        let answers = join_all(more.iter_mut().map(answer)).await;
        assert_refusals(&answers);
    }
    assert_served("another", &other.client(), "4,096 of one address who wait").await;
    assert_eq!(answers(&mut waiting).await, [""; 0], "the others wait");
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
    let mut admitted = 0;
    eventually("a thousand watch", SOON, async || {
        let mut answers = answers(&mut watching).await;
        // What is no head is an event.
        answers.retain(|answer| answer.starts_with("HTTP/1.1 "));
        let refused = answers.iter().find(|it| !it.starts_with("HTTP/1.1 200 "));
        assert_eq!(refused, None);
        admitted += answers.len();
        (admitted == watching.len()).then_some(())
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
    assert_served("another", &other.client(), "4,096 watchers of one address").await;
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
