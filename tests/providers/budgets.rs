//! What may be spent, with a provider that is paid.

use std::collections::BTreeMap;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::openai::{self, OpenAi};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::paid_once::{TOLD, notes, sum};
use crate::pairs::{refined, started};

/// How many are submitted at once.
const TASKS: usize = 200;

async fn usage(client: &Client) -> Value {
    client.get("/api/usage").await.json()
}

/// On three hosts, by one user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_as_many_are_accepted_as_the_budget_pays() {
    let provider = Provider::start();
    let picture = pictures::png(50, 40);
    let launch = OpenAi.launch(&provider.url()).with_tokens();
    let tasks = postgres().url(&launch.schema());
    let images = launch.place();
    let launch = launch
        .images_in(&images)
        .set("tasks", &tasks)
        .set("rate-limit", "unlimited")
        .set("active-tasks", &TASKS.to_string())
        .set("model-price", "0.06")
        .set("budget", "0.42 USD/month");
    let hosts: Vec<Service> = (0..3).map(|_| launch.elsewhere().start()).collect();
    let user = Client::user(hosts[0].url(), "ada");
    let original = user.uploaded(&picture).await;
    let path = original.strip_prefix(hosts[0].url()).unwrap();
    let prompt = provider.prompt(vec![openai::answer(&picture); TASKS]);
    let answers = (0..TASKS).map(|number| {
        let host = hosts[number % 3].url();
        let client = user.at(host);
        let (original, prompt) = (format!("{host}{path}"), prompt.clone());
        async move {
            // A busy database is told by 503, and the request is repeated.
            let client = client.with("idempotency-key", &number.to_string());
            eventually("it is judged", SOON, async || {
                let answer = client.refine(&original, &prompt).await;
                (answer.status != 503).then_some(answer)
            })
            .await
        }
    });
    let answers = join_all(answers).await;
    let accepted: Vec<_> = answers.iter().filter(|it| it.status == 202).collect();
    let refused: Vec<_> = answers.iter().filter(|it| it.status == 429).collect();
    let statuses: BTreeMap<_, usize> = answers.iter().fold(BTreeMap::new(), |mut counts, it| {
        *counts.entry(it.status).or_default() += 1;
        counts
    });
    let expected = BTreeMap::from([(202, 7), (429, TASKS - 7)]);
    assert_eq!(statuses, expected, "{:?}", answers.last());
    for refused in refused {
        let json = refused.json();
        assert_eq!(json["error_code"], "BUDGET_EXCEEDED", "{json}");
        let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=31 * 24 * 3600).contains(&seconds), "{seconds}");
    }
    for answer in accepted {
        let task = user.finished(&answer.task_id()).await;
        assert_eq!(task["status"], "completed", "{task}");
        assert_eq!(task["metadata"]["cost"], "0.06", "{task}");
    }
    let spent = usage(&user).await;
    assert_eq!(spent["spent"], "0.42", "{spent}");
    assert_eq!(spent["reserved"], "0.00", "{spent}");
    assert_eq!(spent["limit"], "0.42", "{spent}");
    assert_eq!(provider.asked(&prompt).len(), 7);
}

/// What was not accepted costs nothing, what was answered costs its price, and what nobody knows
/// stays reserved.
#[tokio::test]
async fn what_a_call_costs_is_what_is_known_of_it() {
    let picture = pictures::png(50, 40);
    let provider = Provider::start();
    let nowhere = br#"{"data": [{"url": "https://127.0.0.1:1/nowhere.png"}]}"#;
    for (name, price, replies, spent, reserved, unknown, cost) in [
        (
            "no price",
            None,
            vec![openai::answer(&picture)],
            "0.00",
            "0.00",
            1,
            Value::Null,
        ),
        (
            "perhaps, and then an answer",
            Some("0.06"),
            vec![Reply::new(500, "", b"{}"), openai::answer(&picture)],
            "0.06",
            "0.06",
            0,
            json!("0.06"),
        ),
        (
            "an address of nothing",
            Some("0.06"),
            vec![Reply::new(
                200,
                "content-type: application/json\r\n",
                nowhere,
            )],
            "0.06",
            "0.00",
            0,
            json!("0.06"),
        ),
    ] {
        let mut launch = OpenAi.launch(&provider.url());
        if let Some(price) = price {
            launch = launch.set("model-price", price);
        }
        let service = started(launch).await;
        let prompt = provider.prompt(replies);
        let (client, task) = refined(&service, &prompt).await;
        let told = usage(&client).await;
        assert_eq!(told["spent"], spent, "{name}: {told}, {task}");
        assert_eq!(told["reserved"], reserved, "{name}: {told}, {task}");
        assert_eq!(told["unknown_calls"], unknown, "{name}: {told}, {task}");
        assert_eq!(told["window"], "month", "{name}: {told}");
        assert_eq!(told["limit"], Value::Null, "{name}: {told}");
        let told = &task["metadata"]["cost"];
        assert_eq!(*told, cost, "{name}: {task}");
    }
}

/// The models `fast` and `slow` have a provider each; `local` has none, and is asked last.
#[tokio::test]
async fn an_answer_settles_the_call_of_its_own_link_alone() {
    let busy = || Reply::status(429);
    let perhaps = || Reply::status(500);
    let silent = || Reply::raw(b"").then_silence();
    let image = || openai::answer(&pictures::png(50, 40));
    let cases = [
        ("500, 429", perhaps(), busy(), "", "0.00", "0.06", false),
        ("silence, 429", silent(), busy(), "", "0.00", "0.06", false),
        ("429, 500", busy(), perhaps(), "", "0.00", "0.01", false),
        ("500, 500", perhaps(), perhaps(), "", "0.00", "0.07", true),
        ("500, image", perhaps(), image(), "", "0.01", "0.06", true),
        ("429, 429", busy(), busy(), "0.002", "0.002", "0.00", false),
        (
            "500, 429, a price",
            perhaps(),
            busy(),
            "0.002",
            "0.002",
            "0.06",
            false,
        ),
        (
            "500, 500, a price",
            perhaps(),
            perhaps(),
            "0.002",
            "0.002",
            "0.07",
            true,
        ),
    ];
    let tasks = cases.map(
        async |(name, first, second, price, spent, reserved, is_told)| {
            let (fast, slow) = (Provider::start(), Provider::start());
            let mut launch = Launch::new()
                .set("model", "fallback(fast=openai, slow=openai, local)")
                .set("model-timeout", "3s")
                .set("metrics-listen", "127.0.0.1:0")
                .variable("REFINEMENT_MODELS_FAST_URL", &fast.url())
                .variable("REFINEMENT_MODELS_FAST_API_KEY", OpenAi.key())
                .variable("REFINEMENT_MODELS_FAST_PRICE", "0.06")
                .variable("REFINEMENT_MODELS_SLOW_URL", &slow.url())
                .variable("REFINEMENT_MODELS_SLOW_API_KEY", OpenAi.key())
                .variable("REFINEMENT_MODELS_SLOW_PRICE", "0.01");
            if !price.is_empty() {
                launch = launch.variable("REFINEMENT_MODELS_LOCAL_PRICE", price);
            }
            let service = started(launch).await;
            let prompt = fast.prompt([first]);
            slow.answers(&prompt, [second]);
            let (client, task) = refined(&service, &prompt).await;
            assert_eq!(task["status"], "completed", "{name}: {task}");
            let told = usage(&client).await;
            assert_eq!(told["spent"], spent, "{name}: {told}");
            assert_eq!(told["reserved"], reserved, "{name}: {told}");
            let cost = match spent {
                "0.00" => Value::Null,
                spent => json!(spent),
            };
            assert_eq!(task["metadata"]["cost"], cost, "{name}: {task}");
            let notes = notes(&client).await.to_string();
            assert_eq!(notes.contains(TOLD), is_told, "{name}: {notes}");
            let repeated = sum(&service, "model_repeated_calls_total", &[]).await;
            assert_eq!(repeated, f64::from(u8::from(is_told)), "{name}");
        },
    );
    join_all(tasks).await;
}
