//! What a provider says that its work cost is told, and what it does not say is unknown.

use concept_refinement_tests::artifacts::test_component;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::openai::{EDITS, image, named};
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stand_in::bfl::{self, Bfl};
use concept_refinement_tests::stand_in::{ALL, StandIn as _};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::pairs::{pairs, refined, started};

fn cost(cost: Option<&str>) -> Value {
    cost.map_or(Value::Null, Value::from)
}

#[tokio::test]
async fn what_each_says_is_told_with_the_task() {
    let picture = pictures::png(50, 40);
    assert!(ALL.iter().any(|stand_in| stand_in.usage().cost.is_some()));
    join_all(pairs().iter().map(async |pair| {
        let reply = pair.stand_in.success(&pair.provider, &picture);
        let (_, task) = pair.refined(&pair.provider.prompt([reply])).await;
        let expected = cost(pair.stand_in.usage().cost);
        assert_eq!(task["status"], "completed", "{}", pair.label());
        assert_eq!(task["metadata"]["cost"], expected, "{}", pair.label());
    }))
    .await;
}

#[tokio::test]
async fn openais_door_tells_what_a_model_read_and_wrote() {
    let (picture, origin) = (pictures::png(50, 40), Origin::start());
    assert!(ALL.iter().any(|stand_in| stand_in.usage().tokens.is_some()));
    join_all(ALL.iter().map(async |stand_in| {
        let label = stand_in.label();
        let provider = stand_in.start();
        let launch = stand_in.launch(&provider.url());
        let service = started(launch.set("allow-sources", &origin.authority())).await;
        let client = Client::session(service.url()).await;
        let prompt = provider.prompt([stand_in.success(&provider, &picture)]);
        let answer = client
            .post(EDITS, &named(&origin.picture(&picture), &prompt))
            .await;
        assert!(!image(&answer).is_empty(), "{label}");
        let tokens = stand_in.usage().tokens;
        let expected = tokens.map_or(Value::Null, |(input, output)| {
            json!({
                "input_tokens": input,
                "output_tokens": output,
                "total_tokens": input + output,
            })
        });
        assert_eq!(answer.json()["usage"], expected, "{label}");
    }))
    .await;
}

#[tokio::test]
async fn what_a_provider_refuses_costs_nothing() {
    join_all(pairs().iter().map(async |pair| {
        let prompt = pair.provider.prompt([Reply::status(400)]);
        let (_, task) = pair.refined(&prompt).await;
        assert_eq!(task["status"], "failed", "{}: {task}", pair.label());
        assert_eq!(task["metadata"]["cost"], "0.00", "{}", pair.label());
    }))
    .await;
    // Nor with a model of one's own.
    let provider = Provider::start();
    let service = started(of_template(&provider)).await;
    let (client, task) = refined(&service, &provider.prompt([Reply::status(400)])).await;
    assert_eq!(task["metadata"]["cost"], "0.00", "{task}");
    let told = client.get("/api/usage").await.json();
    assert_eq!(told["reserved"], "0.00", "{told}");
}

/// A model from the template, whose calls have a price.
fn of_template(provider: &Provider) -> Launch {
    let model = test_component("model-template-provider");
    Launch::new()
        .set("model", model.to_str().unwrap())
        .set("model-url", &provider.url())
        .set("model-price", "0.10")
}

/// The provider has accepted the work, and says nothing of it any more.
#[tokio::test]
async fn work_with_a_receipt_costs_its_price_whatever_its_model_says() {
    join_all([401, 429, 503].map(async |status| {
        let provider = Provider::start();
        let service = started(of_template(&provider).set("model-repeat", "never")).await;
        provider.serve_at("/v1/edits/1", Reply::status(status));
        let prompt = provider.prompt([Reply::json(200, &json!({"id": "1"}))]);
        let (_, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "failed", "{status}: {task}");
        assert_eq!(task["metadata"]["cost"], "0.10", "{status}: {task}");
        assert_eq!(provider.times(&prompt), 1, "{status}");
    }))
    .await;
}

/// What was accepted costs, whoever answers in the end.
#[tokio::test]
async fn a_chain_adds_up_what_its_links_say() {
    let (first, second) = (Provider::start(), Provider::start());
    let service = Launch::new()
        .set("model", "fallback(first=bfl, second=bfl)")
        .set("model-timeout", "3s")
        .variable("REFINEMENT_MODELS_FIRST_URL", &first.url())
        .variable("REFINEMENT_MODELS_FIRST_API_KEY", Bfl.key())
        .variable("REFINEMENT_MODELS_SECOND_URL", &second.url())
        .variable("REFINEMENT_MODELS_SECOND_API_KEY", Bfl.key())
        .set("rate-limit", "unlimited");
    let service = started(service).await;
    let picture = pictures::png(50, 40);
    let prompt = first.prompt([bfl::endless(&first)]);
    second.answers(&prompt, [Bfl.success(&second, &picture)]);
    let (_, task) = refined(&service, &prompt).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["metadata"]["cost"], "0.09", "{task}");
}

/// A failed task was paid for as well.
#[tokio::test]
async fn what_a_failed_task_cost_is_told() {
    let pair = crate::pairs::pair(&Bfl);
    let origin = Origin::start();
    for bad in Bfl.bad_answers(&pair.provider, &origin.picture(&pictures::png(8, 8))) {
        let (_, task) = pair.refined(&pair.provider.prompt([bad.reply])).await;
        assert_eq!(task["status"], "failed", "{}: {task}", bad.name);
        let expected = cost(Bfl.usage().cost);
        assert_eq!(task["metadata"]["cost"], expected, "{}", bad.name);
    }
}
