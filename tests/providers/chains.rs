//! Chains of models: the real executable, whose links ask providers that are well or
//! not.

mod caching;
mod composed;
mod middleware;

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stand_in::openai::{self, OpenAi};
use concept_refinement_tests::stand_in::{StandIn as _, automatic1111};

use crate::pairs::{FAILED, image, refined};

/// The contract: a circuit is probed within a minute.
const MINUTE: Duration = Duration::from_secs(60);

/// A service with this chain, whose links `openai` and `automatic1111` ask these.
pub fn launch(chain: &str, first: &str, second: &str) -> Launch {
    Launch::new()
        .set("model", chain)
        .set("model-timeout", "2s")
        .set("rate-limit", "unlimited")
        .variable("REFINEMENT_MODELS_OPENAI_URL", first)
        .variable("REFINEMENT_MODELS_OPENAI_API_KEY", OpenAi.key())
        .variable("REFINEMENT_MODELS_AUTOMATIC1111_URL", second)
}

/// Two providers, and a service that falls back from one to the other.
struct Pair {
    first: Provider,
    second: Provider,
    service: concept_refinement_tests::service::Service,
}

impl Pair {
    fn start() -> Self {
        let (first, second) = (Provider::start(), Provider::start());
        let launch = launch(
            "fallback(openai, automatic1111)",
            &first.url(),
            &second.url(),
        );
        Self {
            service: launch.start(),
            first,
            second,
        }
    }

    /// A prompt that the two are asked with.
    fn prompt(&self, first: Reply, second: Reply) -> String {
        let prompt = self.first.prompt([first]);
        self.second.answers(&prompt, [second]);
        prompt
    }

    fn times(&self, prompt: &str) -> (usize, usize) {
        (self.first.times(prompt), self.second.times(prompt))
    }
}

#[tokio::test]
async fn the_next_model_is_asked_where_one_cannot_be_used() {
    let picture = pictures::png(50, 40);
    let well = || automatic1111::answer(&picture);
    let silent = || Reply::raw(b"").then_silence();
    for (name, first, expected) in [
        ("it answers", openai::answer(&picture), Ok((1, 0))),
        ("503", Reply::status(503), Ok((1, 1))),
        ("it is slow", silent(), Ok((1, 1))),
        (
            "401",
            Reply::status(401),
            Err("the provider refused the key"),
        ),
    ] {
        // One of its own: no other case is to open a circuit.
        let pair = Pair::start();
        let prompt = pair.prompt(first, well());
        let (client, task) = refined(&pair.service, &prompt).await;
        match expected {
            Ok(times) => {
                assert_eq!(task["status"], "completed", "{name}: {task}");
                assert!(image(&client, &task).await == marked(&picture), "{name}");
                assert_eq!(pair.times(&prompt), times, "{name}");
            }
            Err(reason) => {
                assert_eq!(task["error_message"], format!("{FAILED}{reason}"), "{name}");
                assert_eq!(pair.times(&prompt), (1, 0), "{name}");
            }
        }
    }
}

/// The same middleware twice, the same provider twice, each with settings of its own.
#[tokio::test]
async fn links_go_by_the_names_that_they_are_given() {
    let (first, second) = (Provider::start(), Provider::start());
    let chain = "fallback(fallback(cache(fast=openai), cache(good=openai)), automatic1111)";
    let service = Launch::new()
        .set("model", chain)
        .set("metrics-listen", "127.0.0.1:0")
        .variable("REFINEMENT_MODELS_FAST_URL", &first.url())
        .variable("REFINEMENT_MODELS_FAST_API_KEY", OpenAi.key())
        .variable("REFINEMENT_MODELS_GOOD_URL", &second.url())
        .variable("REFINEMENT_MODELS_GOOD_API_KEY", "another")
        .start();
    let picture = pictures::png(50, 40);
    let prompt = first.prompt([Reply::status(503)]);
    second.answers(&prompt, [openai::answer(&picture)]);
    let (client, task) = refined(&service, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));
    let key = |provider: &Provider| {
        let asked = provider.asked(&prompt);
        assert_eq!(asked.len(), 1);
        asked[0].header("authorization").unwrap().to_owned()
    };
    assert_eq!(key(&first), format!("Bearer {}", OpenAi.key()));
    assert_eq!(key(&second), "Bearer another");
    let metrics = reqwest::get(format!("{}/metrics", service.metrics().await));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    for (link, outcome) in [("fast", "unavailable"), ("good", "image")] {
        let series = format!(
            "concept_refinement_model_link_calls_total{{link=\"{link}\",outcome=\"{outcome}\"}} 1"
        );
        assert!(metrics.contains(&series), "{series}: {metrics}");
    }
    let health = client.get("/api/health").await.json();
    let model = health["model"].as_str().unwrap_or_default();
    assert!(model.starts_with(&format!("{chain}: ")), "{model}");
}

#[tokio::test]
async fn a_circuit_opens_and_is_probed_within_a_minute() {
    let pair = Pair::start();
    let picture = pictures::png(50, 40);
    let well = || automatic1111::answer(&picture);
    let client = Client::session(pair.service.url()).await;
    let original = client.uploaded(&picture).await;
    let refined = async |first: Reply| {
        let prompt = pair.prompt(first, well());
        client.completed(&original, &prompt).await;
        pair.times(&prompt)
    };
    for _ in 0..3 {
        assert_eq!(refined(Reply::status(503)).await, (1, 1));
    }
    let opened = Instant::now();
    for _ in 0..3 {
        assert_eq!(refined(Reply::status(503)).await, (0, 1), "it is open");
    }
    // It is well again, and found to be so.
    let probed = loop {
        let times = refined(openai::answer(&picture)).await;
        if times == (1, 0) {
            break opened.elapsed();
        }
        assert_eq!(times, (0, 1));
        assert!(opened.elapsed() < MINUTE, "it was not probed");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert!(probed > Duration::from_secs(5), "{probed:?}");
    assert_eq!(refined(openai::answer(&picture)).await, (1, 0));
}

/// There may be several links whose settings are called alike.
#[tokio::test]
async fn what_a_link_is_set_to_is_named_as_that_links() {
    let service = launch(
        "fallback(stability, openai)",
        "http://127.0.0.1:9",
        "http://127.0.0.1:9",
    )
    .file("[models.stability]\napi_key = 'hush'\nname = 'nonsense'")
    .start();
    let (_, task) = refined(&service, "make it lighter").await;
    let expected = "the setting models.stability.name names no model of Stability AI";
    assert_eq!(task["error_message"], format!("{FAILED}{expected}"));
}

/// Of a chain as of a model, whatever the number of links.
#[tokio::test]
async fn a_chain_is_named_where_one_asks_for_the_model() {
    let pair = Pair::start();
    let health = Client::new(pair.service.url()).get("/api/health").await;
    let health = health.json();
    let model = health["model"].as_str().unwrap_or_default();
    // In their order.
    let (first, then) = model.split_once(" Then: ").unwrap();
    let begin = "fallback(openai, automatic1111): Asks the next model";
    assert!(first.starts_with(begin), "{model}");
    let named = " First: Images are refined by OpenAI";
    assert!(first.contains(named), "{model}");
    assert!(then.contains("Stable Diffusion"), "{model}");
}
