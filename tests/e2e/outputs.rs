//! Standard output and standard error that fail: they cost lines, and nothing
//! else.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::port::free_address;
use concept_refinement_tests::service::{Launch, Output, Service};

use crate::shared::{new_user, picture_url, scripted_launch};

/// Far longer than a stop takes that waits for nobody.
const AT_ONCE: Duration = Duration::from_secs(10);

/// More than a pipe and the lines that wait have room for.
const REQUESTS: usize = 5_000;

fn outputs() -> [(&'static str, Output); 4] {
    [
        ("a full disk", Output::File("/dev/full".into())),
        ("a reader that has gone", Output::Gone),
        ("a reader that does not read", Output::Unread),
        ("closed", Output::Closed),
    ]
}

/// All that we say ourselves, and what the libraries say short of every call.
fn loud() -> Launch {
    scripted_launch().variable("REFINEMENT_LOG", "debug")
}

/// Both ways of a task, of which one is logged when an instance is cleaned up.
async fn works(client: &Client) {
    let crashed = client.refined(&picture_url(), "trap now").await;
    assert_eq!(crashed["status"], "failed", "{crashed}");
    client.completed(&picture_url(), "echo it").await;
}

/// A second waits for lines that nobody takes.
fn stops(name: &str, mut service: Service) {
    let begin = Instant::now();
    service.terminate();
    let ended = service.ended();
    assert_eq!(ended.status.code(), Some(0), "{name}: {ended:?}");
    assert!(begin.elapsed() < AT_ONCE, "{name}: {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_standard_output_or_error_that_fails_costs_no_work() {
    let by_error = outputs()
        .into_iter()
        .map(|(name, output)| (name, loud().stderr(output)));
    // Who is told of no address has to know it.
    let by_output = outputs().into_iter().map(|(name, output)| {
        let launch = loud().set("listen", &free_address().to_string());
        (name, launch.stdout(output))
    });
    for (name, launch) in by_error.chain(by_output) {
        let service = launch.start();
        works(&new_user(&service)).await;
        stops(name, service);
    }
}

/// A client of HTTP/2 answers while the service stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_up_no_request() {
    let launch = loud().stderr(Output::Unread);
    // Where the metrics are, the log says, which nobody reads.
    let metrics = free_address().to_string();
    let service = launch.set("metrics-listen", &metrics).start();
    // Each frame is a line.
    let client = Client::http2(service.url());
    let mut took = Vec::new();
    for _ in 0..REQUESTS {
        let begin = Instant::now();
        assert_eq!(client.get("/api/health").await.status, 200);
        took.push(begin.elapsed());
    }
    took.sort();
    let p99 = took[REQUESTS * 99 / 100];
    assert!(p99 < Duration::from_millis(100), "p99 {p99:?}");
    works(&new_user(&service)).await;
    let scraped = Client::new(&format!("http://{metrics}"))
        .get("/metrics")
        .await;
    let text = String::from_utf8(scraped.body.to_vec()).unwrap();
    let lost = text
        .lines()
        .find_map(|line| line.strip_prefix("concept_refinement_log_lines_lost_total "))
        .unwrap();
    assert_ne!(lost, "0", "{text}");
    stops("unread", service);
}

#[tokio::test]
async fn a_start_that_fails_ends_even_if_nobody_reads_why() {
    for (name, output) in outputs() {
        let begin = Instant::now();
        let ended = loud().stderr(output).set("listen", "192.0.2.1:1").run();
        assert_eq!(ended.status.code(), Some(1), "{name}: {ended:?}");
        assert!(begin.elapsed() < AT_ONCE, "{name}: {:?}", begin.elapsed());
    }
}
