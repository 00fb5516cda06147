//! With which settings a provider's model starts, and with which not.

use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::service::Launch;

use crate::kinds::{Kind, image, refined};

#[test]
fn a_missing_or_unusable_key_stops_the_start() {
    let missing = |model: &str| format!("model {model:?} needs model-api-key");
    for (name, launch, expected) in [
        (
            "jigsawstack",
            Launch::new().set("model", "jigsawstack"),
            missing("jigsawstack"),
        ),
        (
            "jigsawstack elsewhere",
            Launch::new()
                .set("model", "jigsawstack")
                .set("model-url", "http://127.0.0.1:9"),
            missing("jigsawstack"),
        ),
        (
            "openai",
            Launch::new().set("model", "openai"),
            missing("openai"),
        ),
        (
            "two lines",
            Launch::new()
                .set("model", "openai")
                .variable("REFINEMENT_MODEL_API_KEY", "hush\nhush"),
            "REFINEMENT_MODEL_API_KEY: must be one line of visible ASCII characters".to_owned(),
        ),
    ] {
        let ended = launch.run();
        assert!(!ended.status.success(), "{name}");
        assert!(ended.log.contains(&expected), "{name}: {}", ended.log);
        assert!(!ended.log.contains("hush"), "{name}: {}", ended.log);
    }
}

#[test]
fn the_providers_own_urls_are_the_default() {
    for kind in Kind::ALL {
        // Replicate's own, there.
        let service = Launch::new()
            .set("model", kind.name())
            .variable("REFINEMENT_MODEL_API_KEY", kind.key())
            .start();
        drop(service);
    }
    // This one needs no key.
    drop(Launch::new().set("model", "automatic1111").start());
}

/// A server at home that speaks OpenAI's language.
#[tokio::test]
async fn a_compatible_server_needs_no_key() {
    let picture = pictures::png(20, 20);
    for kind in [Kind::OpenAi, Kind::Cog, Kind::Automatic1111] {
        let provider = Provider::start();
        let prompt = provider.prompt([kind.success(&picture)]);
        let service = Launch::new()
            .set("model", kind.name())
            .set("model-url", &format!("{}/gpu/1/", provider.url()))
            .start();
        let (client, task) = refined(&service, &prompt).await;
        assert!(image(&client, &task).await == marked(&picture));
        let asked = &provider.asked(&prompt)[0];
        let path = format!("/gpu/1{}", kind.path());
        assert!(asked.path.starts_with(&path), "{}", asked.path);
        assert_eq!(asked.header("authorization"), None);
    }
}
