//! Outbound requests that were refused: the host within this process, with a
//! resolver that leads inside.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Components, Config, HostBuilder, Resolver};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::{artifacts, pictures, reaper};
use futures::future::{BoxFuture, ready};

use super::{Metrics, scrape};

/// Every name leads to this machine.
struct Inside;

impl Resolver for Inside {
    fn resolve(&self, _: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(ready(Ok(vec![(Ipv4Addr::LOCALHOST, port).into()])))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn egress_is_refused_for_a_reason() {
    let data = reaper::scratch("host");
    let model = artifacts::scripted_model();
    let mut values = Values::new();
    for (name, value) in [
        ("listen", "127.0.0.1:0"),
        ("metrics-listen", "127.0.0.1:0"),
        ("data-dir", data.to_str().unwrap()),
        ("model", model.to_str().unwrap()),
        ("rate-limit", "unlimited"),
    ] {
        values.set(table::find(name).unwrap(), value);
    }
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    let config = Config::new(values).unwrap();
    let components = Components::load(Some(&artifacts::components()), &config).unwrap();
    let builder = HostBuilder::new(config)
        .components(components)
        .resolver(Arc::new(Inside));
    let host = builder.start().await.unwrap();
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
