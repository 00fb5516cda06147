//! Clients of the address who take their time, or take all connections.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::service::Service;
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{TOKEN, attended, operator};
use crate::connections::raw;
use crate::shared::scripted_launch;

/// Longer than any of them may hold out.
const AT_LAST: Duration = Duration::from_secs(30);

/// Far shorter than what a silent client is waited for.
const QUICK: Duration = Duration::from_secs(4);

/// More than there are places for.
const MANY: usize = 200;

async fn connect(service: &Service) -> TcpStream {
    let url = service.admin().await;
    let address = url.trim_start_matches("http://").to_owned();
    TcpStream::connect(address).await.unwrap()
}

/// The statuses of what is answered to someone who says this and then nothing, and how
/// long that takes.
async fn exchange(service: &Service, says: &str) -> (Vec<u16>, Duration) {
    let mut stream = connect(service).await;
    let begin = Instant::now();
    let _ = stream.write_all(says.as_bytes()).await;
    let mut heard = Vec::new();
    let ended = timeout(AT_LAST, stream.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "still open: {says}");
    (raw::statuses(&heard), begin.elapsed())
}

#[tokio::test]
async fn who_says_nothing_more_is_cut_off() {
    let service = attended(scripted_launch()).start();
    let post = "POST /admin/v1/queue/pause HTTP/1.1\r\nhost: localhost\r\n\
        content-type: application/json\r\ncontent-length: 1000\r\n";
    let authorized = format!("{post}authorization: Bearer {TOKEN}\r\n\r\n{{");
    let get = "GET /admin/v1/queue HTTP/1.1\r\nhost: localhost\r\n";
    let long = "x".repeat(40 << 10);
    let cases: [(&str, String, &[u16]); 7] = [
        ("nothing", String::new(), &[]),
        ("half a head", get.to_owned(), &[408]),
        ("a long head", format!("{get}x: {long}\r\n\r\n"), &[431]),
        ("half a body", authorized, &[408]),
        // It is not waited for.
        ("a body that nobody wants", format!("{post}\r\n{{"), &[401]),
        (
            "a kept connection",
            format!("{get}authorization: Bearer {TOKEN}\r\n\r\n"),
            &[200],
        ),
        ("no HTTP", "EHLO mail.example\r\n\r\n".to_owned(), &[400]),
    ];
    let cases = cases.iter().map(async |(name, says, expected)| {
        let (statuses, took) = exchange(&service, says).await;
        assert!(took < AT_LAST, "{name}: {took:?}");
        let is_silent =
            statuses.is_empty() && !matches!(*name, "half a body" | "a kept connection");
        assert!(is_silent || statuses == *expected, "{name}: {statuses:?}");
    });
    join_all(cases).await;
    let queue = operator(&service).await.get("/admin/v1/queue").await;
    assert_eq!(queue.json()["paused"], false);
}

/// Neither users nor operators wait for them, whatever they began to say.
#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    for says in ["", "GET /admin/v1/queue HTTP/1.1\r\nhost: localhost\r\n"] {
        let service = attended(scripted_launch()).start();
        let silent = join_all((0..MANY).map(async |_| {
            let mut stream = connect(&service).await;
            // It may have given way already.
            let _ = stream.write_all(says.as_bytes()).await;
            stream
        }));
        let silent = silent.await;
        let begin = Instant::now();
        let health = Client::new(service.url()).get("/api/health").await;
        assert_eq!(health.status, 200);
        let operator = operator(&service).await;
        for _ in 0..3 {
            let answer = operator.reconnected().get("/admin/v1/queue").await;
            assert_eq!(answer.status, 200, "beside {says:?}");
        }
        assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());
        drop(silent);
    }
}

/// The places of the address and the socket are the same; who asks by either is served.
#[tokio::test]
async fn silent_connections_of_one_door_leave_the_other_open() {
    let launch = attended(scripted_launch().embedded());
    let service = launch.start();
    let silent = join_all((0..MANY).map(|_| connect(&service))).await;
    let begin = Instant::now();
    let own = Client::on_socket(&launch.data());
    assert_eq!(own.get("/admin/v1/queue").await.status, 200);
    assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());
    drop(silent);
}

/// Whoever asks without a token writes as little to the log as anybody else.
#[tokio::test]
async fn requests_without_a_token_cost_a_line_a_second() {
    const ASKED: usize = 2_000;
    let service = attended(scripted_launch()).start();
    let anybody = operator(&service).await.without("authorization");
    let begin = Instant::now();
    for _ in 0..ASKED {
        let answer = super::act(&anybody, "queue/pause", "x").await;
        assert_eq!(answer.status, 401);
    }
    let seconds = usize::try_from(begin.elapsed().as_secs()).unwrap();
    let known = operator(&service).await;
    assert_eq!(super::act(&known, "queue/pause", "x").await.status, 200);
    assert_eq!(super::act(&known, "queue/resume", "y").await.status, 200);
    let log = service.stop().log;
    let refused: Vec<_> = log
        .lines()
        .filter(|line| line.contains("status=401"))
        .collect();
    assert!((1..=seconds + 2).contains(&refused.len()), "{log}");
    assert!(refused[0].contains("times=1"), "{refused:?}");
    for (sentence, reason) in [
        ("an operator paused the queue", "reason=\"x\""),
        ("an operator resumed the queue", "reason=\"y\""),
    ] {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(sentence)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        for part in [reason, "actor=\"admin token\""] {
            assert!(lines[0].contains(part), "{lines:?}");
        }
    }
}
