//! One client takes all that it can get: others are answered, and quickly.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::limits::{connect_from, raise_open_files};
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::turn;

/// For the requests of everyone else.
const LIMIT: Duration = Duration::from_millis(100);

const ATTACKER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 3));

/// What the service has places for, at most.
const CONNECTIONS: usize = 4096;
const REQUESTS: usize = 1024;

const ROUNDS: usize = 100;

/// Requests of somebody, each on a connection of its own.
async fn assert_served(service: &Service, from: IpAddr, beside: &str) {
    let mut latencies = Vec::new();
    for _ in 0..ROUNDS {
        let client = Client::from_address(service.url(), from).bearer(&token("somebody"));
        for path in ["/api/health", "/api/tasks"] {
            let begin = Instant::now();
            let answer = client.get(path).await;
            latencies.push(begin.elapsed());
            assert_eq!(answer.status, 200, "{path} beside {beside}: {answer:?}");
        }
    }
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 50), percentile(&latencies, 99));
    show(&format!("{from} beside {beside}: p50 {p50:?} p99 {p99:?}"));
    assert!(p99 < LIMIT, "{p99:?} beside {beside}");
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.error_code(), "SERVICE_UNAVAILABLE");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 0);
}

async fn opened(service: &Service, count: usize, says: &[u8]) -> Vec<TcpStream> {
    let open = (0..count).map(async |_| {
        let mut stream = connect_from(ATTACKER, service).await;
        stream.write_all(says).await.unwrap();
        stream
    });
    stream::iter(open).buffer_unordered(64).collect().await
}

#[tokio::test]
async fn silent_connections_shut_nobody_out() {
    let _turn = turn().await;
    raise_open_files();
    let service = launch(&Origin::start()).start();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let http2 = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings].concat();
    let silent = opened(&service, CONNECTIONS / 2, b"").await;
    let begun = opened(&service, CONNECTIONS / 4, b"GET / HTTP/1.1\r\n").await;
    let idle = opened(&service, CONNECTIONS / 2, &http2).await;
    assert_served(&service, OTHER, "5,120 silent connections").await;
    assert_served(&service, ATTACKER, "5,120 silent connections of its own").await;
    drop((silent, begun, idle));
}

/// The head of a request whose body never comes.
fn endless(token: &str) -> String {
    format!(
        "POST /api/concepts/refine HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 60000\r\n\r\n{{"
    )
}

/// The answers so far to requests that have not ended.
async fn answers(requests: &mut [TcpStream]) -> Vec<String> {
    let answered = requests.iter_mut().map(async |stream| {
        let mut heard = vec![0; 4096];
        let reading = stream.read(&mut heard);
        let read = tokio::time::timeout(Duration::from_millis(500), reading).await;
        let read = read.ok().and_then(Result::ok)?;
        heard.truncate(read);
        Some(String::from_utf8_lossy(&heard).into_owned())
    });
    join_all(answered).await.into_iter().flatten().collect()
}

#[tokio::test]
async fn slow_requests_shut_nobody_out() {
    let _turn = turn().await;
    raise_open_files();
    let service = launch(&Origin::start()).start();

    let greedy = token("greedy");
    let mut of_user = opened(&service, REQUESTS + 100, endless(&greedy).as_bytes()).await;
    let refused = answers(&mut of_user).await;
    assert!(
        refused.len() >= REQUESTS / 4,
        "{} are refused",
        refused.len()
    );
    for answer in &refused {
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
    }
    assert_served(&service, OTHER, "1,124 slow requests of one user").await;
    assert_served(
        &service,
        ATTACKER,
        "1,124 slow requests of one user, at its address",
    )
    .await;
    let greedy = Client::from_address(service.url(), OTHER).bearer(&greedy);
    assert_refused(&greedy.get("/api/tasks").await);
    assert_eq!(greedy.get("/api/health").await.status, 200);
    drop(of_user);

    let mut of_address = Vec::new();
    for user in 0..REQUESTS + 100 {
        let says = endless(&token(&format!("user {user}")));
        of_address.extend(opened(&service, 1, says.as_bytes()).await);
    }
    assert_served(&service, OTHER, "1,124 slow requests of one address").await;
    let same = Client::from_address(service.url(), ATTACKER).bearer(&token("somebody"));
    assert_refused(&same.get("/api/tasks").await);
    assert_eq!(same.get("/api/health").await.status, 200);
    drop(of_address);
    eventually("there is room again", SOON, async || {
        (same.get("/api/tasks").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn connections_in_use_shut_nobody_out() {
    let _turn = turn().await;
    raise_open_files();
    let origin = Origin::start();
    let service = launch(&origin).start();
    let (url, _gate) = origin.gated(&pictures::png(8, 8));
    let user = Client::user(service.url(), "greedy");
    let id = user.accepted(&url, "echo it").await;
    let watch = format!(
        "GET /api/tasks/{id}/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        token("greedy")
    );
    let mut watching = opened(&service, 1000, watch.as_bytes()).await;
    for answer in answers(&mut watching).await {
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let more = opened(&service, CONNECTIONS - 1000, watch.as_bytes()).await;
    eventually("it has its share", SOON, async || {
        let mut one = opened(&service, 1, watch.as_bytes()).await;
        let answers = answers(&mut one).await;
        answers.first()?.starts_with("HTTP/1.1 503 ").then_some(())
    })
    .await;
    assert_served(&service, OTHER, "4,096 watchers of one user").await;
    let same = Client::from_address(service.url(), ATTACKER);
    for _ in 0..ROUNDS {
        let same = same.reconnected();
        assert_eq!(same.get("/api/health").await.status, 200);
    }
    let other = Client::from_address(service.url(), OTHER).bearer(&token("another"));
    let id = other.accepted(&url, "echo it").await;
    let mut events = other.events(&id, None).await;
    assert_eq!(events.event().await.name, "task");
    drop((watching, more));
}
