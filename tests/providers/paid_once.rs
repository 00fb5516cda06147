//! What a provider may charge for: it is asked once where that can be, and whoever asks
//! again says so.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::StandIn;
use concept_refinement_tests::stand_in::jigsawstack::JigsawStack;
use concept_refinement_tests::stand_in::openai::{self, OpenAi};
use concept_refinement_tests::stand_in::replicate::{Replicate, created, prediction};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::pairs::{FAILED, image, refined};

pub const NOT_TWICE: &str = "the provider may have worked on it, and is not asked twice";
pub const TOLD: &str = "The provider was asked more than once (2 times), and may charge for each.";

/// Of the only concept.
pub async fn notes(client: &Client) -> Value {
    let concepts = client.get("/api/concepts").await.json();
    concepts["concepts"][0]["notes"].clone()
}

pub async fn sum(service: &Service, name: &str, labels: &[(&str, &str)]) -> f64 {
    let metrics = Client::new(&service.metrics().await).get("/metrics").await;
    let metrics = Exposition::parse(str::from_utf8(&metrics.body).unwrap());
    metrics.sum(&format!("concept_refinement_{name}"), labels)
}

async fn repeated(service: &Service, reason: &str) -> f64 {
    let labels = [("model", "openai"), ("reason", reason)];
    sum(service, "model_repeated_calls_total", &labels).await
}

/// A commit before who is paid is asked, one for what it says of the cost, and none for others.
#[tokio::test]
async fn a_call_costs_a_write_where_somebody_is_paid() {
    let provider = Provider::start();
    let prompt = provider.prompt([openai::answer(&pictures::png(50, 40))]);
    for (name, launch, writes) in [
        ("openai", OpenAi.launch(&provider.url()), 2.0),
        ("local", Launch::new(), 0.0),
    ] {
        let service = launch.set("metrics-listen", "127.0.0.1:0").start();
        let (_, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        let labels = [("store", "tasks"), ("operation", "pay")];
        let count = "store_operation_duration_seconds_count";
        assert_eq!(sum(&service, count, &labels).await, writes, "{name}");
    }
}

#[tokio::test]
async fn what_was_perhaps_accepted_is_asked_for_again_and_told() {
    let picture = pictures::png(50, 40);
    let image = openai::answer(&picture);
    let cut = openai::answer(&picture).without_end(20);
    let cases = [
        ("502", Reply::status(502), true),
        ("500", Reply::status(500), true),
        ("an answer that breaks off", cut, true),
        ("no answer", Reply::raw(b""), true),
        ("503", Reply::status(503), false),
        ("429", Reply::status(429), false),
    ];
    let tasks = cases.map(async |(name, first, is_told)| {
        let provider = Provider::start();
        let launch = OpenAi.launch(&provider.url());
        let service = launch.set("metrics-listen", "127.0.0.1:0").start();
        let prompt = provider.prompt([first, image.clone()]);
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        assert_eq!(provider.times(&prompt), 2, "{name}");
        let expected = if is_told { json!([TOLD]) } else { json!([]) };
        assert_eq!(notes(&client).await, expected, "{name}");
        let count = f64::from(u8::from(is_told));
        assert_eq!(repeated(&service, "unknown").await, count, "{name}");
        let log = service.log();
        let warned = "a provider is asked though an earlier call may have been accepted";
        assert_eq!(log.contains(warned), is_told, "{name}: {log}");
    });
    join_all(tasks).await;
}

#[tokio::test]
async fn nobody_is_asked_twice_where_that_is_wanted() {
    let image = openai::answer(&pictures::png(50, 40));
    let cases = [
        ("502", Reply::status(502), Some(NOT_TWICE), 1),
        ("no answer", Reply::raw(b""), Some(NOT_TWICE), 1),
        ("503", Reply::status(503), None, 2),
    ];
    let tasks = cases.map(async |(name, first, reason, times)| {
        let provider = Provider::start();
        let launch = OpenAi.launch(&provider.url());
        let service = launch.set("model-repeat", "never").start();
        let prompt = provider.prompt([first, image.clone()]);
        let (_, task) = refined(&service, &prompt).await;
        assert_eq!(provider.times(&prompt), times, "{name}");
        match reason {
            None => assert_eq!(task["status"], "completed", "{name}: {task}"),
            Some(reason) => {
                let sentence = format!("{FAILED}{reason}");
                assert_eq!(task["error_message"], sentence, "{name}");
            }
        }
    });
    join_all(tasks).await;
}

/// Not even a model that costs nothing.
#[tokio::test]
async fn a_chain_asks_nobody_else() {
    for (name, repeat, is_completed) in [("never", "never", false), ("unknown", "unknown", true)] {
        let provider = Provider::start();
        let service = Launch::new()
            .set("model", "fallback(openai, local)")
            .variable("REFINEMENT_MODELS_OPENAI_URL", &provider.url())
            .variable("REFINEMENT_MODELS_OPENAI_API_KEY", OpenAi.key())
            .set("model-repeat", repeat)
            .start();
        let prompt = provider.prompt([Reply::status(502)]);
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(provider.times(&prompt), 1, "{name}");
        match is_completed {
            true => {
                assert_eq!(task["status"], "completed", "{name}: {task}");
                // The one that was asked besides costs nothing.
                assert!(
                    !notes(&client).await.to_string().contains("charge"),
                    "{name}"
                );
            }
            false => assert_eq!(task["error_message"], format!("{FAILED}{NOT_TWICE}")),
        }
    }
}

/// Kills a service once its provider was asked, and starts it again.
async fn killed_while_asked(
    launch: &Launch,
    prompt: &str,
    is_under_way: impl Fn() -> bool,
) -> (Service, Client, Value) {
    let service = launch.start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let id = client.accepted(&original, prompt).await;
    eventually("the provider is at work", SOON, async || {
        is_under_way().then_some(())
    })
    .await;
    drop(service.kill());
    let service = launch.start();
    let client = client.at(service.url());
    let task = client.finished(&id).await;
    (service, client, task)
}

#[tokio::test]
async fn a_crash_is_told_where_the_provider_names_no_work() {
    let image = openai::answer(&pictures::png(50, 40));
    for (repeat, is_completed) in [("unknown", true), ("never", false)] {
        let provider = Provider::start();
        let launch = OpenAi.launch(&provider.url()).set("model-repeat", repeat);
        let launch = launch.set("metrics-listen", "127.0.0.1:0");
        let silence = Reply::raw(b"").then_silence();
        let prompt = provider.prompt([silence, image.clone()]);
        let is_asked = || provider.times(&prompt) == 1;
        let (service, client, task) = killed_while_asked(&launch, &prompt, is_asked).await;
        match is_completed {
            true => {
                assert_eq!(task["status"], "completed", "{task}");
                assert_eq!(provider.times(&prompt), 2);
                assert_eq!(notes(&client).await, json!([TOLD]));
                assert_eq!(repeated(&service, "crash").await, 1.0);
            }
            false => {
                assert_eq!(task["error_message"], format!("{FAILED}{NOT_TWICE}"));
                assert_eq!(provider.times(&prompt), 1);
            }
        }
    }
}

/// The prediction.
pub const ID: &str = "gm3qorzdhgbfurvjtvhg6dckhu";
pub const AT: &str = "/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu";

fn of_replicate(provider: &Provider) -> Launch {
    let launch = Replicate.launch(&provider.url());
    launch.set("model-repeat", "never")
}

/// Lets the provider answer whoever looks at the prediction.
fn tell(provider: &Provider, status: &str, output: Value) {
    provider.serve_at(AT, Reply::json(200, &prediction(ID, status, output)));
}

const NOT_REFINED: &str = "the provider could not refine the image";

/// The end of the task that an operator has made of a failed one.
pub async fn retried(launch: &Launch, client: &Client, failed: &Value) -> Value {
    let id = failed["task_id"].as_str().unwrap();
    let operator = Client::on_socket(&launch.data());
    let path = format!("/admin/v1/tasks/{id}/retry");
    let retry = operator.post(&path, &json!({"reason": "a test"})).await;
    assert_eq!(retry.status, 200, "{retry:?}");
    client.finished(&retry.task_id()).await
}

/// Whatever becomes of the looks at it.
#[tokio::test]
async fn a_prediction_is_made_once() {
    let picture = pictures::png(50, 40);
    let busy = Reply::new(429, "retry-after: 1\r\ncontent-length: 0\r\n", b"");
    let cut = Reply::json(200, &prediction(ID, "processing", Value::Null)).without_end(20);
    let cases = [
        ("503", Reply::status(503)),
        ("500", Reply::status(500)),
        ("429", busy),
        ("cut", cut),
        ("no answer", Reply::raw(b"")),
    ];
    let tasks = cases.map(async |(name, first)| {
        let provider = Provider::start();
        let url = provider.serve(Reply::picture(&picture));
        let prompt = provider.prompt([created(&prediction(ID, "starting", Value::Null))]);
        let ended = Reply::json(200, &prediction(ID, "succeeded", json!(url)));
        provider.serve_each_at(AT, [first, ended]);
        let service = of_replicate(&provider).start();
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        assert!(image(&client, &task).await == marked(&picture), "{name}");
        assert_eq!(provider.times(&prompt), 1, "{name}: paid for again");
        assert_eq!(provider.times(AT), 2, "{name}");
        assert_eq!(notes(&client).await, json!([]), "{name}");
    });
    join_all(tasks).await;
}

#[tokio::test]
async fn a_prediction_outlives_a_crash() {
    let picture = pictures::png(50, 40);
    for (running, ended, is_completed) in [
        ("processing", "succeeded", true),
        // States that are not documented.
        ("booting", "finished", true),
        // Only an operator has it made again.
        ("processing", "failed", false),
    ] {
        let provider = Provider::start();
        let url = provider.serve(Reply::picture(&picture));
        let prompt = provider.prompt([created(&prediction(ID, running, Value::Null))]);
        tell(&provider, running, Value::Null);
        let launch = of_replicate(&provider).set("model-repeat", "unknown");
        let is_looked_at = || {
            let is_looked_at = provider.times(AT) > 1;
            if is_looked_at {
                tell(&provider, ended, json!(url));
            }
            is_looked_at
        };
        let (_service, client, task) = killed_while_asked(&launch, &prompt, is_looked_at).await;
        assert_eq!(provider.times(&prompt), 1, "{ended}: paid for again");
        match is_completed {
            true => {
                assert!(image(&client, &task).await == marked(&picture), "{ended}");
                assert_eq!(notes(&client).await, json!([]));
            }
            false => assert_eq!(task["error_message"], format!("{FAILED}{NOT_REFINED}")),
        }
    }
}

/// Of work that failed, nothing comes however often it is looked at.
#[tokio::test]
async fn an_operator_has_a_prediction_made_again_that_failed() {
    let picture = pictures::png(50, 40);
    for (name, repeat, ended, output) in [
        ("failed", "unknown", "failed", Value::Null),
        ("failed, never", "never", "failed", Value::Null),
        ("cancelled, never", "never", "canceled", Value::Null),
        ("without an image, never", "never", "succeeded", json!([""])),
    ] {
        let provider = Provider::start();
        let url = provider.serve(Reply::picture(&picture));
        let again = prediction("another", "succeeded", json!(url));
        let first = created(&prediction(ID, "starting", Value::Null));
        let prompt = provider.prompt([first, created(&again)]);
        tell(&provider, ended, output);
        let launch = of_replicate(&provider).set("model-repeat", repeat);
        let service = launch.start();
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "failed", "{name}: {task}");
        assert_eq!(provider.times(&prompt), 1, "{name}");

        let task = retried(&launch, &client, &task).await;
        assert!(image(&client, &task).await == marked(&picture), "{name}");
        assert_eq!(provider.times(&prompt), 2, "{name}");
        assert_eq!(notes(&client).await, json!([]), "{name}");
    }
}

/// What runs is waited for, by an operator's retry too.
#[tokio::test]
async fn an_operators_retry_goes_on_with_what_runs() {
    let picture = pictures::png(50, 40);
    let provider = Provider::start();
    let url = provider.serve(Reply::picture(&picture));
    let prompt = provider.prompt([created(&prediction(ID, "starting", Value::Null))]);
    tell(&provider, "processing", Value::Null);
    let launch = of_replicate(&provider).set("task-timeout", "3s");
    let service = launch.start();
    let (client, task) = refined(&service, &prompt).await;
    assert_eq!(task["status"], "failed", "{task}");
    tell(&provider, "succeeded", json!(url));
    let task = retried(&launch, &client, &task).await;
    assert!(image(&client, &task).await == marked(&picture));
    assert_eq!(provider.times(&prompt), 1, "paid for again");
}

/// An answer of a server with OpenAI's API that has put the image there.
fn at(url: &str) -> Reply {
    Reply::json(200, &json!({"data": [{"url": url}]}))
}

/// Its address was kept, for when the provider cannot be asked, or has no name for its work.
#[tokio::test]
async fn an_output_outlives_a_crash() {
    let picture = pictures::png(50, 40);
    let starting = |_: &str| created(&prediction(ID, "starting", Value::Null));
    let by_jigsawstack = |url: &str| Reply::json(200, &json!({"success": true, "url": url}));
    type Case<'a> = (&'a dyn StandIn, &'a dyn Fn(&str) -> Reply);
    let cases: [Case; 3] = [
        (&Replicate, &starting),
        (&OpenAi, &at),
        (&JigsawStack, &by_jigsawstack),
    ];
    for (stand_in, answer) in cases {
        let label = stand_in.label();
        let provider = Provider::start();
        let silence = Reply::raw(b"").then_silence();
        let url = provider.serve_each([silence, Reply::picture(&picture)]);
        let prompt = provider.prompt([answer(&url)]);
        tell(&provider, "succeeded", json!(url));
        let launch = stand_in.launch(&provider.url());
        let launch = launch.set("model-repeat", "never");
        let is_downloaded = || provider.times(&url.replace(&provider.url(), "")) == 1;
        let (_service, client, task) = killed_while_asked(&launch, &prompt, is_downloaded).await;
        assert!(image(&client, &task).await == marked(&picture), "{label}");
        assert_eq!(provider.times(&prompt), 1, "{label}: paid for again");
        assert_eq!(notes(&client).await, json!([]), "{label}");
    }
}

/// What is gone for good would be gone for each retry.
#[tokio::test]
async fn an_operator_has_an_output_made_again_that_is_unusable() {
    let picture = pictures::png(50, 40);
    let busy = || Reply::status(500);
    let cases = [
        ("busy", vec![busy(), busy(), busy()], 1),
        ("gone", vec![Reply::status(404)], 2),
        ("no image", vec![Reply::ok("image/png", b"sorry")], 2),
    ];
    let tasks = cases.map(async |(name, before, times)| {
        let provider = Provider::start();
        let there = || Reply::picture(&picture);
        let url = provider.serve_each(before.into_iter().chain([there()]));
        let prompt = provider.prompt([at(&url), at(&provider.serve(there()))]);
        let launch = OpenAi.launch(&provider.url());
        let launch = launch.set("model-repeat", "never");
        let service = launch.start();
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "failed", "{name}: {task}");
        assert_eq!(provider.times(&prompt), 1, "{name}");

        let task = retried(&launch, &client, &task).await;
        assert!(image(&client, &task).await == marked(&picture), "{name}");
        assert_eq!(provider.times(&prompt), times, "{name}");
        assert_eq!(notes(&client).await, json!([]), "{name}");
    });
    join_all(tasks).await;
}

/// Replicate keeps it for an hour.
#[tokio::test]
async fn an_output_that_was_removed_is_made_again_or_not() {
    let picture = pictures::png(50, 40);
    let mut removed = prediction(ID, "succeeded", Value::Null);
    removed["data_removed"] = true.into();
    for (name, repeat, then, is_made_again, is_completed) in [
        ("removed", "unknown", Reply::json(200, &removed), true, true),
        ("forgotten", "unknown", Reply::status(404), true, true),
        (
            "removed, never",
            "never",
            Reply::json(200, &removed),
            false,
            false,
        ),
        ("not known", "never", Reply::status(503), false, true),
    ] {
        let provider = Provider::start();
        let silence = Reply::raw(b"").then_silence();
        let next = match is_made_again {
            true => Reply::status(404),
            false => Reply::picture(&picture),
        };
        let url = provider.serve_each([silence, next]);
        let other = provider.serve(Reply::picture(&picture));
        let again = prediction("another", "succeeded", json!(other));
        let first = created(&prediction(ID, "starting", Value::Null));
        let prompt = provider.prompt([first, created(&again)]);
        let ended = Reply::json(200, &prediction(ID, "succeeded", json!(url)));
        provider.serve_each_at(AT, [ended, then]);
        let launch = of_replicate(&provider).set("model-repeat", repeat);
        let is_downloaded = || provider.times(&url.replace(&provider.url(), "")) == 1;
        let (_service, client, task) = killed_while_asked(&launch, &prompt, is_downloaded).await;
        let made = 1 + usize::from(is_made_again);
        assert_eq!(provider.times(&prompt), made, "{name}: {task}");
        match is_completed {
            true => {
                assert_eq!(task["status"], "completed", "{name}: {task}");
                let told = if is_made_again {
                    json!([TOLD])
                } else {
                    json!([])
                };
                assert_eq!(notes(&client).await, told, "{name}");
            }
            false => assert_eq!(task["error_message"], format!("{FAILED}{NOT_TWICE}")),
        }
    }
}
