//! The same chain as one component, as stock platforms run it.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stand_in::StandIn;
use concept_refinement_tests::stand_in::automatic1111::{self, Automatic1111};
use concept_refinement_tests::stand_in::openai::OpenAi;
use serde_json::json;

use crate::paid_once::{NOT_TWICE, TOLD, notes};
use crate::pairs::{FAILED, image, refined};

#[tokio::test]
async fn a_composed_chain_asks_the_next_model_with_its_own_settings() {
    let (first, second) = (Provider::start(), Provider::start());
    let service = Launch::new()
        .set("rate-limit", "unlimited")
        .variable("REFINEMENT_MODELS_FAST_URL", &first.url())
        .variable("REFINEMENT_MODELS_FAST_API_KEY", OpenAi.key())
        // Of no link: this one is given another name.
        .variable("REFINEMENT_MODELS_OPENAI_API_KEY", "another")
        .variable("REFINEMENT_MODELS_AUTOMATIC1111_URL", &second.url())
        .variable(
            "REFINEMENT_MODELS_AUTOMATIC1111_API_KEY",
            Automatic1111.key(),
        )
        .on_wasmtime(artifacts::test_composed("chain/standalone"))
        .start();
    let picture = pictures::png(50, 40);
    let prompt = first.prompt([Reply::status(503)]);
    second.answers(&prompt, [automatic1111::answer(&picture)]);
    let (client, task) = refined(&service, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));
    let asked: [(&dyn StandIn, &Provider); 2] = [(&OpenAi, &first), (&Automatic1111, &second)];
    for (stand_in, provider) in asked {
        let label = stand_in.label();
        let asked = provider.asked(&prompt);
        assert_eq!(asked.len(), 1, "{label}");
        let (header, value) = stand_in.credentials();
        assert_eq!(asked[0].header(header), Some(value.as_str()), "{label}");
    }

    let prompt = first.prompt([Reply::status(400)]);
    let (_, task) = refined(&service, &prompt).await;
    let expected = format!("{FAILED}the provider answered 400: no");
    assert_eq!(task["error_message"], expected);
    assert_eq!(second.times(&prompt), 0);
}

/// As on our host.
#[tokio::test]
async fn a_composed_chain_tells_whom_it_asked_twice_or_asks_nobody() {
    let picture = pictures::png(50, 40);
    for (repeat, is_completed) in [("unknown", true), ("never", false)] {
        let (first, second) = (Provider::start(), Provider::start());
        let service = Launch::new()
            .set("rate-limit", "unlimited")
            .set("model-repeat", repeat)
            .variable("REFINEMENT_MODELS_FAST_URL", &first.url())
            .variable("REFINEMENT_MODELS_AUTOMATIC1111_URL", &second.url())
            .on_wasmtime(artifacts::test_composed("chain/standalone"))
            .start();
        let prompt = first.prompt([Reply::status(502)]);
        second.answers(&prompt, [automatic1111::answer(&picture)]);
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(first.times(&prompt), 1, "{repeat}");
        assert_eq!(second.times(&prompt), usize::from(is_completed), "{repeat}");
        if is_completed {
            assert_eq!(task["status"], "completed", "{task}");
            assert_eq!(notes(&client).await, json!([TOLD]));
        } else {
            assert_eq!(task["error_message"], format!("{FAILED}{NOT_TWICE}"));
        }

        // It was not accepted.
        let prompt = first.prompt([Reply::status(503)]);
        second.answers(&prompt, [automatic1111::answer(&picture)]);
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "completed", "{repeat}: {task}");
        assert_eq!(notes(&client).await, json!([]), "{repeat}");
    }
}

/// Not even who costs nothing, as one without a provider.
#[tokio::test]
async fn a_composed_chain_asks_nobody_else() {
    for (repeat, reason) in [
        ("never", NOT_TWICE),
        ("unknown", "the setting models-automatic1111-url is missing"),
    ] {
        let provider = Provider::start();
        let service = Launch::new()
            .set("rate-limit", "unlimited")
            .set("model-repeat", repeat)
            .variable("REFINEMENT_MODELS_FAST_URL", &provider.url())
            .on_wasmtime(artifacts::test_composed("chain/standalone"))
            .start();
        let prompt = provider.prompt([Reply::status(502)]);
        let (_, task) = refined(&service, &prompt).await;
        assert_eq!(task["error_message"], format!("{FAILED}{reason}"));
        assert_eq!(provider.times(&prompt), 1, "{repeat}");
    }
}
