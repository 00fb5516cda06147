//! What is there for anyone.

use concept_refinement_tests::client::Client;
use serde_json::json;

use crate::Platform;
use concept_refinement_tests::platform::{local, scripted};

pub async fn the_service_tells_that_it_lives_and_is_ready<P: Platform>() {
    for service in [local::<P>(), scripted::<P>()] {
        let anybody = Client::new(service.url());
        let health = anybody.get("/api/health").await;
        assert_eq!(health.status, 200, "{health:?}");
        assert_eq!(health.json()["status"], "healthy");
        assert_eq!(health.json()["version"], env!("CARGO_PKG_VERSION"));
        let ready = anybody.get("/api/health/ready").await;
        let expected = json!({
            "status": "ready",
            "capabilities": {"tasks": "ok", "queue": "ok", "images": "ok", "model": "ok"},
        });
        assert_eq!((ready.status, ready.json()), (200, expected));
    }
}

pub async fn the_description_and_the_page_are_there<P: Platform>() {
    let anybody = Client::new(local::<P>().url());
    for (path, media_type, part) in [
        ("/openapi.json", "application/json", "\"openapi\""),
        ("/docs", "text/html", "<!doctype html>"),
        ("/", "text/html", "<!doctype html>"),
    ] {
        let answer = anybody.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let declared = answer.header("content-type").unwrap();
        assert!(declared.starts_with(media_type), "{path}: {declared}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.to_lowercase().contains(part), "{path}");
    }
}
