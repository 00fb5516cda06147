//! Places run short: a client that has most of them, and uses none, gives way to whoever
//! has less, however much that is.

use concept_refinement_tests::attacks::{Attacker, HTTP2, endless_request};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::tokens::token;
use tokio::io::AsyncWriteExt as _;

use super::{http2, raw};
use crate::metrics::{measured_launch, scrape};
use crate::shared::scripted_launch;

/// So many leave places for 213 connections.
const OPEN_FILES: usize = 1024;
const PLACES: usize = 213;

/// Requests of a proxy at once: more than the hoarder leaves places, and less than it has.
const REQUESTS: usize = 80;

#[tokio::test]
async fn a_proxy_is_served_beside_a_client_that_hoards_connections() {
    let token = token("somebody");
    for (name, request) in [
        ("HTTP/1.1", endless_request(&token).into_bytes()),
        ("HTTP/2", [HTTP2, &http2::endless_request(&token)].concat()),
    ] {
        let launch = scripted_launch().with_open_files(OPEN_FILES);
        let launch = launch.set("trusted-proxies", "127.0.0.1");
        let (service, metrics) = measured_launch(launch).await;
        let hoard = Attacker::new(&service, 2).connections(PLACES, b"").await;
        let mut proxied = Vec::new();
        for _ in 0..REQUESTS {
            let mut stream = raw::connect(&service).await;
            stream.write_all(&request).await.unwrap();
            proxied.push(stream);
        }
        let refused = eventually("each is served or refused", SOON, async || {
            let (_, read) = scrape(&metrics).await;
            let refusals = "concept_refinement_http_refusals_total";
            let refused = read.sum(refusals, &[("short_of", "connections")]);
            let served = read.sum("concept_refinement_http_requests_in_flight", &[]);
            (served + refused >= REQUESTS as f64).then_some(refused)
        })
        .await;
        assert_eq!(refused, 0.0, "{name}");
        drop((hoard, proxied));
    }
}
