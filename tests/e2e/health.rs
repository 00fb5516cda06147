//! Health and readiness, for anyone.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{READINESS, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;

use crate::shared::local;

/// Whoever runs it is told what the model is, and what it is not.
#[tokio::test]
async fn the_local_model_says_that_it_is_not_generative() {
    let health = Client::new(local().url()).get("/api/health").await;
    let model = health.json()["model"].as_str().unwrap().to_owned();
    assert!(model.contains("not a generative model"), "{model}");
}

/// A store that cannot be used does not end the process, and is no fault of who
/// asks.
#[tokio::test]
async fn a_store_that_is_gone_is_reported_until_it_is_back() {
    let launch = Launch::new().embedded();
    let service = launch.start();
    let client = Client::session(service.url()).await;
    let picture = pictures::png(8, 8);
    client.uploaded(&picture).await;
    let (images, elsewhere) = (
        launch.data().join("images"),
        launch.data().join("elsewhere"),
    );
    std::fs::rename(&images, &elsewhere).unwrap();
    std::fs::write(&images, "in the way").unwrap();

    let degraded = answered(&client, 503).await;
    let report = degraded.json();
    assert_eq!(report["status"], "degraded");
    assert_eq!(report["capabilities"]["tasks"], "ok");
    let sentence = report["capabilities"]["images"].as_str().unwrap();
    assert!(
        sentence.ends_with('.') && !sentence.contains('/'),
        "{sentence}"
    );
    assert_eq!(client.get("/api/health").await.status, 200);
    let refused = client.upload(picture.media_type, &picture.bytes).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.error_code(), "SERVICE_UNAVAILABLE");

    std::fs::remove_file(&images).unwrap();
    std::fs::rename(&elsewhere, &images).unwrap();
    answered(&client, 200).await;
    client.uploaded(&picture).await;

    // A call that fails is noticed before the next probe.
    std::fs::rename(&images, &elsewhere).unwrap();
    let begin = Instant::now();
    let refused = client.upload(picture.media_type, &picture.bytes).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    answered(&client, 503).await;
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
}

/// Waits for readiness of this status.
async fn answered(client: &Client, status: u16) -> Answer {
    eventually("readiness", READINESS, async || {
        let ready = client.get("/api/health/ready").await;
        (ready.status == status).then_some(ready)
    })
    .await
}

/// Readiness is for anyone, and costs nothing.
#[tokio::test]
async fn whoever_asks_for_readiness_causes_no_writing() {
    let service = Launch::new().start();
    let written = || -> u64 {
        let io = std::fs::read_to_string(format!("/proc/{}/io", service.id())).unwrap();
        let line = io
            .lines()
            .find_map(|line| line.strip_prefix("write_bytes: "));
        line.unwrap().parse().unwrap()
    };
    let anybody = Client::new(service.url());
    let before = written();
    for _ in 0..2_000 {
        assert_eq!(anybody.get("/api/health/ready").await.status, 200);
    }
    // A few probes of the background.
    let more = written() - before;
    assert!(more < 400_000, "{more} bytes");
}
