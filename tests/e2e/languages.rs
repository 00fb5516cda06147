//! Models in other languages than Rust, in the pipeline: the templates as they
//! are built from their sources.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::join_all;

const LANGUAGES: [&str; 3] = ["", "python", "javascript"];
const FAILED: &str = "Error in refinement task processing: Image refinement failed: ";

fn service(language: &str) -> Service {
    let model = artifacts::template(language);
    Launch::new()
        .set("model", model.to_str().unwrap())
        .set("rate-limit", "unlimited")
        .start()
}

#[tokio::test]
async fn a_model_in_any_language_refines_and_refuses() {
    for language in LANGUAGES {
        let service = service(language);
        // Larger than any buffer on the way.
        let mut large = pictures::png(40, 30);
        large.bytes.resize(15_000_001, 7);
        for picture in pictures::all(40, 30).into_iter().chain([large]) {
            let client = Client::session(service.url()).await;
            let original = client.uploaded(&picture).await;
            let task = client.refined(&original, "any change").await;
            // The template in Rust reads all formats.
            if !language.is_empty() && picture.media_type != "image/png" {
                let expected = format!("{FAILED}this model reads PNG images only");
                assert_eq!(task["error_message"], expected, "{language}");
                continue;
            }
            assert_eq!(task["status"], "completed", "{language}: {task}");
            let refined = client.get(task["image_url"].as_str().unwrap()).await;
            assert_eq!(refined.status, 200, "{language}");
            let size = image::load_from_memory(&refined.body).unwrap();
            assert_eq!((size.width(), size.height()), (40, 30), "{language}");
            assert_ne!(refined.body, picture.bytes, "{language}");
        }
        let client = Client::session(service.url()).await;
        let original = client.uploaded(&pictures::png(40, 30)).await;
        let task = client.refined(&original, "do the impossible").await;
        let expected = format!("{FAILED}that is impossible");
        assert_eq!(task["error_message"], expected, "{language}");
    }
}

/// Each call has an instance of its own.
#[tokio::test]
async fn many_tasks_at_once_are_refined_in_any_language() {
    for language in LANGUAGES {
        let service = service(language);
        let tasks = (0..20).map(async |more| {
            let client = Client::session(service.url()).await;
            let picture = pictures::png(20 + more, 20);
            let original = client.uploaded(&picture).await;
            let task = client.refined(&original, "any change").await;
            assert_eq!(task["status"], "completed", "{language}: {task}");
            let refined = client.get(task["image_url"].as_str().unwrap()).await;
            let size = image::load_from_memory(&refined.body).unwrap();
            assert_eq!(
                (size.width(), size.height()),
                (20 + more, 20),
                "{language}: another's"
            );
        });
        join_all(tasks).await;
    }
}
