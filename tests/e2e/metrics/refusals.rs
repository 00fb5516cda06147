//! Outbound requests that were refused: the host within this process, with a
//! resolver that leads inside.

use std::sync::Arc;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;

use super::{Metrics, scrape};
use crate::rebinding::{HERE, Names, host};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn egress_is_refused_for_a_reason() {
    let names = Names::default().name("inside.test", &[&[HERE]]);
    let host = host(Arc::new(names), &[("metrics-listen", "127.0.0.1:0")]).await;
    let metrics = Metrics::at(&format!("http://{}", host.metrics_address().unwrap()));
    let client = Client::session(&format!("http://{}", host.address())).await;

    let name = "concept_refinement_egress_refusals_total";
    let reasons = async || {
        let (_, read) = scrape(&metrics).await;
        ["address-not-public", "not-granted"].map(|reason| read.sum(name, &[("reason", reason)]))
    };
    assert_eq!(reasons().await, [0.0, 0.0]);
    let upload = client.uploaded(&pictures::png(8, 8)).await;
    for (url, prompt, expected) in [
        // The original is not where it may come from.
        ("http://inside.test/a.png", "echo it", [1.0, 0.0]),
        // The model may reach nothing.
        (&upload, "fetch: http://inside.test/", [1.0, 1.0]),
        // What it answers with may not lead inside either.
        (&upload, "location: http://inside.test/", [2.0, 1.0]),
        (&upload, "echo it", [2.0, 1.0]),
    ] {
        client.refined(url, prompt).await;
        assert_eq!(reasons().await, expected, "{url} {prompt}");
    }
    host.stop().await;
}
