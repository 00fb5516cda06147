//! The same components everywhere: a composition holds them byte for byte, and
//! nobody but the adapters knows a platform. What the local model makes is the same, too.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::platform::{Platform, local, ours::Ours, wasmtime::Wasmtime};

#[test]
fn the_components_are_the_same_bytes_in_all_compositions() {
    for (composition, parts) in [
        ("spin-api", &["api", "notifier"][..]),
        (
            "spin-processor",
            &["processor", "masked", "notifier", "model-local"],
        ),
        (
            "standalone",
            &["api", "processor", "masked", "notifier", "model-local"],
        ),
    ] {
        let composed = std::fs::read(artifacts::composed(composition)).unwrap();
        let tested = std::fs::read(artifacts::test_composed(composition)).unwrap();
        for part in parts {
            let path = artifacts::components().join(format!("{part}.wasm"));
            let bytes = std::fs::read(path).unwrap();
            assert_eq!(count(&composed, &bytes), 1, "{part} in {composition}");
            if !part.starts_with("model-") {
                assert_eq!(count(&tested, &bytes), 1, "{part} in the tests'");
            }
        }
        if parts.contains(&"model-local") {
            let scripted = std::fs::read(artifacts::scripted_model()).unwrap();
            assert_eq!(count(&tested, &scripted), 1, "{composition}");
        }
    }
}

/// For each of the edits that computes with fractions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_input_gives_the_same_bytes_on_each_platform() {
    for picture in [pictures::png(90, 60), pictures::jpeg(90, 60)] {
        for prompt in [
            "lighter, warmer, sharper",
            "minimalist, lighter shades of brown",
            "upscale 4x",
            "resize to 100x77",
            "rotate by 10 degrees",
            "add a shadow, rounded corners",
            "blue and gold, sepia",
            "white on black",
        ] {
            let one = refined::<Ours>(&picture, prompt).await;
            let other = refined::<Wasmtime>(&picture, prompt).await;
            assert!(one.is_ok(), "{} {prompt}: {one:?}", picture.media_type);
            assert!(one == other, "{} {prompt}", picture.media_type);
        }
    }
}

/// The result's bytes, or why there is none.
async fn refined<P: Platform>(picture: &Picture, prompt: &str) -> Result<Vec<u8>, String> {
    let client = Client::session(local::<P>().url()).await;
    let original = client.uploaded(picture).await;
    let task = client.refined(&original, prompt).await;
    match task["image_url"].as_str() {
        Some(url) => Ok(client.get(url).await.body.to_vec()),
        None => Err(task["error_message"].as_str().unwrap().to_owned()),
    }
}

/// How often the bytes are in there.
fn count(whole: &[u8], part: &[u8]) -> usize {
    let (first, _) = part.split_at(64);
    let begins = (0..whole.len()).filter(|at| whole[*at..].starts_with(first));
    begins.filter(|at| whole[*at..].starts_with(part)).count()
}
