//! Metrics: their format, what changes them, and that they identify nobody.

mod limits;
mod links;
mod listener;
mod moves;
mod refusals;
mod webhooks;

use std::collections::BTreeSet;

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Service};
use reqwest::Method;

use crate::shared::{new_name, picture_url, scripted_launch};

const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the metrics are. Nothing of the API's description holds there.
pub struct Metrics {
    client: Client,
    url: String,
}

impl Metrics {
    fn at(url: &str) -> Self {
        Self {
            client: Client::new("no API"),
            url: url.to_owned(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path).await
    }

    async fn send(&self, method: Method, path: &str) -> Answer {
        let url = format!("{}{path}", self.url);
        self.client.send(method, &url, "").await
    }
}

/// A service that measures, and where.
pub async fn measured(settings: &[(&str, &str)]) -> (Service, Metrics) {
    let set = |launch: Launch, (name, value): &(&str, &str)| launch.set(name, value);
    measured_launch(settings.iter().fold(scripted_launch(), set)).await
}

/// The same of another launch.
pub async fn measured_launch(launch: Launch) -> (Service, Metrics) {
    let service = launch.set("metrics-listen", "127.0.0.1:0").start();
    let metrics = Metrics::at(&service.metrics().await);
    (service, metrics)
}

pub async fn scrape(metrics: &Metrics) -> (Answer, Exposition) {
    let answer = metrics.get("/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = std::str::from_utf8(&answer.body).unwrap();
    let read = Exposition::parse(told);
    (answer, read)
}

#[tokio::test]
async fn each_metric_is_documented() {
    // What models cost is told of those that may cost something.
    let launch = scripted_launch().set("model", "fallback(local)");
    let launch = launch.variable("REFINEMENT_MODELS_LOCAL_PRICE", "0.06");
    let (service, metrics) = measured_launch(launch).await;
    // What has no series yet is not told of.
    Client::new(service.url()).get("/api/health").await;
    let (answer, read) = scrape(&metrics).await;
    assert_eq!(answer.header("content-type"), Some(FORMAT));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for (name, family) in &read.families {
        assert!(family.help.len() > 5, "{name} has no help");
        // Base units, by the conventions of Prometheus.
        for unit in ["_ms", "_milliseconds", "_micros", "_mb", "_kilobytes"] {
            assert!(!name.ends_with(unit), "{name}");
        }
    }

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut documented = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let names = row.split('|').nth(1).unwrap();
        documented.extend(names.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    let told = read.families.iter().map(|(name, family)| {
        let name = name.trim_start_matches("concept_refinement_");
        match family.kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        }
    });
    assert_eq!(told.collect::<BTreeSet<_>>(), documented);
}

/// Neither users nor their requests can be identified.
#[tokio::test]
async fn nobody_is_told_of() {
    let (service, metrics) = measured(&[]).await;
    let name = new_name();
    let user = Client::user(service.url(), &name).with("idempotency-key", "a-secret-key");
    let url = picture_url();
    let task = user.refined(&url, "refuse: a secret reason").await;
    let id = task["task_id"].as_str().unwrap();
    let image = user.uploaded(&pictures::png(9, 9)).await;
    user.get(&image).await;
    user.get("/a-secret-path?a-secret-query").await;
    user.get("/api/images/a-secret-image").await;
    let forged = user.with("concept-refinement-route", "/a-secret-route");
    let answer = forged.get("/api/tasks").await;
    assert_eq!(answer.header("concept-refinement-route"), None);
    assert_eq!(answer.status, 200);

    let (answer, _) = scrape(&metrics).await;
    let told = String::from_utf8_lossy(&answer.body).into_owned();
    let base = service.url().trim_start_matches("http://");
    for secret in ["secret", id, &name, base, "127.0.0.1", "http://"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert!(told.contains("route=\"/api/images/{path}\""), "{told}");
    let image = image.split_once("/api/images/").unwrap().1;
    assert!(!told.contains(&image[..12]), "{image}");
}
