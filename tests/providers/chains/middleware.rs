//! Middleware of one's own: a component by its path, well or hostile.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::openai::{self, OpenAi};
use futures::future::join_all;
use serde_json::{Value, json};

use super::launch;
use crate::pairs::{FAILED, image, refined};

/// Of two instances with 32 MiB together, and what the host holds for each besides.
const COST: u64 = (32 + 2 * 128) << 20;

fn path(name: &str) -> String {
    let path = artifacts::test_component(name);
    path.to_str().unwrap().to_owned()
}

/// A service whose middleware and model do what the prompt tells them to do.
fn scripted() -> Launch {
    let chain = format!(
        "{}({})",
        path("middleware-scripted"),
        path("model-scripted")
    );
    Launch::new()
        .set("model", &chain)
        .set("model-timeout", "4s")
        .set("model-memory", "32MiB")
        .set("rate-limit", "unlimited")
}

async fn failed(service: &Service, prompt: &str) -> String {
    let (_, task) = refined(service, prompt).await;
    let message = task["error_message"].as_str().unwrap_or_default();
    let reason = message.strip_prefix(FAILED);
    reason
        .unwrap_or_else(|| panic!("{prompt}: {task}"))
        .to_owned()
}

#[tokio::test]
async fn whatever_a_middleware_does_fails_its_one_task() {
    let service = scripted().start();
    let in_time = "the model did not answer within 4 seconds";
    let cases = [
        ("trap before", "the model crashed"),
        ("loop before", in_time),
        ("hang before", in_time),
        ("leak before", "the model crashed"),
        ("trap afterwards", "the model crashed"),
        ("loop afterwards", in_time),
        ("hang afterwards", in_time),
        ("ask for ever", "the models were asked too often"),
        // Of the model behind it.
        ("trap now", "the model crashed"),
        ("loop for ever", in_time),
        ("hang for ever", in_time),
        ("eat memory", "the model crashed"),
        ("refuse: no logos", "no logos"),
        ("answer less", "the file ended before its declared length"),
    ];
    let tasks = cases.map(async |(prompt, expected)| {
        let reason = failed(&service, prompt).await;
        assert!(reason.contains(expected), "{prompt}: {reason}");
    });
    let well = async {
        // Its answer passes by the middleware that crashes.
        for prompt in ["echo it", "instant", "wait 500ms", "trap while it answers"] {
            let (_, task) = refined(&service, prompt).await;
            assert_eq!(task["status"], "completed", "{prompt}: {task}");
        }
    };
    tokio::join!(join_all(tasks), well);
    let log = service.log();
    assert!(!log.contains("the processor ended early"), "{log}");
    for name in ["middleware-scripted", "model-scripted"] {
        let late = format!("the model did not answer in time model=\"{name}\"");
        assert!(log.contains(&late), "{log}");
    }
    let (_, task) = refined(&service, "echo it").await;
    assert_eq!(task["status"], "completed", "{task}");
}

#[tokio::test]
async fn what_a_middleware_makes_the_host_hold_is_bounded() {
    let service = scripted().set("model-timeout", "30s").start();
    let (_, task) = refined(&service, "echo it").await;
    assert_eq!(task["status"], "completed", "{task}");
    for (prompt, expected) in [
        ("ask with an endless image", "These are too many bytes"),
        (
            "ask two at once",
            "a model was asked while another one's answer was not read",
        ),
        (
            "hoard blobs",
            "the model crashed: it asked the host to hold more for it than it may",
        ),
        ("fill a blob", "1024 pieces are held"),
        ("hoard memories", "values are remembered"),
    ] {
        let process = Process::of(service.id());
        process.reset_peak();
        let before = process.usage().resident;
        let reason = failed(&service, prompt).await;
        let cost = process.usage().peak.saturating_sub(before);
        println!("{prompt}: {} MiB: {reason}", cost >> 20);
        assert!(reason.contains(expected), "{prompt}: {reason}");
        assert!(cost < COST, "{prompt}: {cost}");
        if let Some((held, _)) = reason.split_once(" values") {
            let held: u64 = held.parse().unwrap();
            assert!((200..=256).contains(&held), "{held} of 10,000 KiB");
        }
    }
}

/// What the links behind take is not the time of the middleware.
#[tokio::test]
async fn each_link_has_a_time_of_its_own() {
    let chain = format!(
        "{}(fallback({}, {}))",
        path("middleware-scripted"),
        path("model-scripted"),
        path("model-template")
    );
    let service = scripted().set("model", &chain).start();
    // All its time for the one that hangs; then another one answers.
    let (_, task) = refined(&service, "hang for ever").await;
    assert_eq!(task["status"], "completed", "{task}");
}

#[tokio::test]
async fn what_a_middleware_remembers_outlasts_its_instance_and_is_its_own() {
    let copy = tempfile::tempdir().unwrap();
    let other = copy.path().join("other.wasm");
    std::fs::copy(path("middleware-scripted"), &other).unwrap();
    let chain = format!(
        "{}({}({}))",
        path("middleware-scripted"),
        other.display(),
        path("model-scripted")
    );
    let service = scripted().set("model", &chain).start();
    assert_eq!(failed(&service, "remember: a").await, "true, after None");
    assert_eq!(
        failed(&service, "remember: b").await,
        "true, after Some(\"a\")"
    );
}

/// Keys, addresses, network: what one link has, another one does not see.
#[tokio::test]
async fn what_one_link_is_granted_no_other_one_has() {
    let (first, second) = (Provider::start(), Provider::start());
    let picture = pictures::png(50, 40);
    let url = first.serve(concept_refinement_tests::server::Reply::picture(&picture));
    let chain = format!("{}(openai)", path("middleware-scripted"));
    let service = launch(&chain, &first.url(), &second.url())
        .variable(
            "REFINEMENT_MODELS_MIDDLEWARE_SCRIPTED_API_KEY",
            "hush-0123456789ab",
        )
        .variable("REFINEMENT_MODELS_MIDDLEWARE_SCRIPTED_STYLE", "oil")
        .start();
    assert_eq!(failed(&service, "tell: model-api-key").await, "***");
    assert_eq!(failed(&service, "tell: model-style").await, "oil");
    assert_eq!(failed(&service, "tell: model-url").await, "nothing");
    assert_eq!(failed(&service, "tell: jwt-secret").await, "nothing");
    let prompt = first.prompt([openai::answer(&picture)]);
    let (client, task) = refined(&service, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));
    let asked = first.asked(&prompt);
    let (header, value) = OpenAi.credentials();
    assert_eq!(asked[0].header(header), Some(value.as_str()));

    // The address of the model behind it is none of its own.
    let chain = format!("{}(openai)", path("model-scripted"));
    let launched = |name: &str, url: &str| {
        launch(&chain, &first.url(), &second.url())
            .variable(&format!("REFINEMENT_MODELS_{name}_URL"), url)
            .start()
    };
    let service = launched("MODEL_SCRIPTED", &second.url());
    let denied = "not fetched: ErrorCode::HttpRequestDenied";
    assert_eq!(failed(&service, &format!("fetch: {url}")).await, denied);
    let service = launched("MODEL_SCRIPTED", &first.url());
    let fetched = "fetched with status 200";
    assert_eq!(failed(&service, &format!("fetch: {url}")).await, fetched);
    let log = service.stop().log;
    let warning = "the component never asks the models behind it link=\"model-scripted\"";
    assert!(log.contains(warning), "{log}");
}

#[tokio::test]
async fn the_template_judges_prompts_before_a_model_is_asked() {
    let chain = format!(
        "{}({})",
        path("model-template-middleware"),
        path("model-scripted")
    );
    let service = scripted().set("model", &chain).start();
    let reason = failed(&service, "more blood").await;
    assert_eq!(reason, "this service makes no violent pictures");
    let reason = failed(&service, "refuse: ugly words").await;
    assert_eq!(reason, "plain words");
    let client = Client::session(service.url()).await;
    for picture in pictures::all(300, 200) {
        let original = client.uploaded(&picture).await;
        let task: Value = client.refined(&original, "echo it").await;
        assert!(image(&client, &task).await == marked(&picture));
    }
}

/// Also of a middleware that has a provider of its own.
#[tokio::test]
async fn a_middleware_returns_an_address_at_the_provider_behind_it() {
    let (first, second) = (Provider::start(), Provider::start());
    let picture = pictures::png(50, 40);
    let chain = format!("{}(openai)", path("middleware-scripted"));
    let service = launch(&chain, &first.url(), &second.url())
        .variable("REFINEMENT_MODELS_MIDDLEWARE_SCRIPTED_URL", &second.url())
        .start();
    let there = first.serve(Reply::picture(&picture));
    let prompt = first.prompt([Reply::json(200, &json!({"data": [{"url": there}]}))]);
    let (client, task) = refined(&service, &prompt).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert!(image(&client, &task).await == marked(&picture));
}

/// What the operator allows for one link is no other one's to read.
#[tokio::test]
async fn a_link_names_no_address_at_another_ones_provider() {
    let (first, second) = (Provider::start(), Provider::start());
    let chain = format!("fallback({}, automatic1111)", path("model-scripted"));
    let service = launch(&chain, &first.url(), &second.url()).start();
    let picture = pictures::png(50, 40);
    let theirs = second.serve(Reply::picture(&picture));
    let prompt = format!("location: {theirs}");
    let reason = failed(&service, &prompt).await;
    let expected = "the model answered the address of another one's provider";
    assert!(reason.contains(expected), "{reason}");
    assert_eq!(second.times(&theirs), 0, "it was downloaded");

    // What everybody may read, a link may name too.
    let service = launch(&chain, &first.url(), &second.url())
        .set("allow-sources", &second.authority())
        .start();
    let (client, task) = refined(&service, &prompt).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert!(image(&client, &task).await == marked(&picture));
}
