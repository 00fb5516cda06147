//! Where the metrics are, and where they are not.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::SOON;
use reqwest::Method;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{measured, scrape};
use crate::shared::scripted;

#[tokio::test]
async fn there_is_nothing_else_beside_them() {
    let (service, metrics) = measured(&[]).await;
    for path in ["/", "/metrics/", "/api/health", "/metrics/x", "/METRICS"] {
        assert_eq!(metrics.get(path).await.status, 404, "{path}");
    }
    for method in [Method::POST, Method::DELETE, Method::PUT, Method::OPTIONS] {
        let answer = metrics.send(method, "/metrics").await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    let head = metrics.send(Method::HEAD, "/metrics").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(metrics.get("/metrics?x=1").await.status, 200);
    // And they are nowhere else.
    let elsewhere = Client::new(service.url()).get("/metrics").await;
    assert_eq!(elsewhere.status, 404);
}

#[tokio::test]
async fn they_have_no_listener_by_default() {
    let log = scripted().log();
    assert!(!log.contains("metrics are at"), "{log}");
    let answer = Client::new(scripted().url()).get("/api/health").await;
    assert_eq!(answer.header("concept-refinement-route"), None);
}

/// More than there may be at once, all of whom say nothing.
#[tokio::test]
async fn silent_scrapers_are_sent_away() {
    let (_service, metrics) = measured(&[]).await;
    let authority = metrics.url.trim_start_matches("http://");
    let mut silent = Vec::new();
    for said in ["", "GET /metrics HT"].repeat(10) {
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    timeout(SOON, scrape(&metrics)).await.unwrap();
}
