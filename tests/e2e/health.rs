//! Health and readiness, for anyone.

use concept_refinement_tests::client::Client;
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
    let launch = Launch::new();
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

    let degraded = client.get("/api/health/ready").await;
    assert_eq!(degraded.status, 503, "{degraded:?}");
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
    assert_eq!(client.get("/api/health/ready").await.status, 200);
    client.uploaded(&picture).await;
}
