//! Plans and budgets: who may do what, what it costs, and where that ends.

use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stand_in::openai;
use serde_json::{Value, json};

use crate::shared::{origin, picture_url};

/// `free` has one refinement of 6 cents a day, `pro` has all the money there is.
const PLANS: &str = "\
rate_limit = '10/month'
plan = 'free'
plan_claim = 'app_metadata.plan'
[plans.free]
budget = '0.10 USD/day'
[plans.pro]
rate_limit = 'unlimited'
budget = 'unlimited'
active_tasks = 2
[models.openai]
price = '0.06'
";

fn launch(provider: &Provider) -> Launch {
    Launch::new()
        .set("allow-sources", &origin().authority())
        .set("model", "openai")
        .set("model-url", &provider.url())
        .variable("REFINEMENT_MODEL_API_KEY", "sk-key")
        .file(PLANS)
}

/// A client of the user, by a token of the command line.
pub fn client(launch: &Launch, url: &str, arguments: &[&str]) -> Client {
    let mut command = Command::new(artifacts::binary());
    command.args(["token", "--data-dir=data"]).args(arguments);
    command.current_dir(launch.data().parent().unwrap());
    let printed = command.output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let token = String::from_utf8(printed.stdout).unwrap();
    Client::new(url).bearer(token.trim())
}

/// What is spent, reserved and unknown, and of how much.
async fn usage(client: &Client) -> Value {
    let usage = client.get("/api/usage").await.json();
    let parts = ["spent", "reserved", "unknown_calls", "limit", "window"];
    parts.map(|part| usage[part].clone()).into()
}

#[tokio::test]
async fn a_budget_ends_where_the_plan_of_the_token_says() {
    let provider = Provider::start();
    let launch = launch(&provider);
    let service = launch.start();
    let picture = pictures::png(8, 8);
    let original = origin().picture(&picture);
    let prompt = provider.prompt([openai::answer(&picture)]);

    let ann = client(&launch, service.url(), &["--user=ann"]);
    assert_eq!(usage(&ann).await, json!(["0.00", "0.00", 0, "0.10", "day"]));
    let task = ann.completed(&original, &prompt).await;
    assert_eq!(task["metadata"]["cost"], "0.06");
    assert_eq!(usage(&ann).await, json!(["0.06", "0.00", 0, "0.10", "day"]));
    let refused = ann.refine(&original, &prompt).await;
    assert_eq!(refused.status, 429);
    let problem = refused.json();
    assert_eq!(problem["error_code"], "BUDGET_EXCEEDED");
    let detail = problem["detail"].as_str().unwrap();
    let begin = "Budget exceeded for /concepts/refine (0.10 USD/day). It starts again on ";
    assert!(detail.starts_with(begin), "{detail}");
    assert!(detail.ends_with(" at 00:00 UTC."), "{detail}");
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("9"));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=24 * 60 * 60).contains(&seconds), "{seconds}");

    let bob = client(&launch, service.url(), &["--user=bob", "--plan=pro"]);
    for spent in ["0.06", "0.12"] {
        bob.completed(&original, &prompt).await;
        assert_eq!(usage(&bob).await, json!([spent, "0.00", 0, null, "month"]));
    }
    assert_eq!(bob.get("/api/quota").await.json()["limit"], Value::Null);
    assert_eq!(provider.times(&prompt), 3);
    let ended = service.stop();
    assert!(ended.status.success());
    assert!(ended.log.contains("budget (REFINEMENT_BUDGET)"));

    // A restart with other prices changes nothing about what was counted.
    let launch = launch.set("model-price", "0.01");
    let service = launch.start();
    let ann = client(&launch, service.url(), &["--user=ann"]);
    assert_eq!(usage(&ann).await, json!(["0.06", "0.00", 0, "0.10", "day"]));
}

#[tokio::test]
async fn what_was_not_accepted_costs_nothing_and_what_perhaps_was_stays_reserved() {
    let provider = Provider::start();
    let launch = launch(&provider);
    let service = launch.start();
    for (user, replies, spent, reserved) in [
        ("refused", vec![Reply::status(400)], "0.00", "0.00"),
        (
            "no image",
            vec![Reply::json(200, &json!({}))],
            "0.06",
            "0.00",
        ),
        (
            "perhaps, three times",
            [500; 3].map(Reply::status).into(),
            "0.00",
            "0.18",
        ),
    ] {
        let client = client(&launch, service.url(), &["--user", user]);
        let prompt = provider.prompt(replies);
        let task = client.refined(&picture_url(), &prompt).await;
        assert_eq!(task["status"], "failed", "{user}: {task}");
        let expected = json!([spent, reserved, 0, "0.10", "day"]);
        assert_eq!(usage(&client).await, expected, "{user}");
    }
}

/// Nobody else says what it costs.
#[tokio::test]
async fn a_model_without_a_provider_costs_its_price_for_each_answer() {
    let launch = Launch::new()
        .set("allow-sources", &origin().authority())
        .set("rate-limit", "unlimited")
        .set("model-price", "0.10")
        .set("budget", "0.25 USD/day");
    let service = launch.start();
    let ann = client(&launch, service.url(), &["--user=ann"]);
    let nothing = origin().serve(Reply::ok("image/png", b"no image"));
    let failed = ann.refined(&nothing, "warmer").await;
    assert_eq!(failed["status"], "failed", "{failed}");
    for spent in ["0.10", "0.20"] {
        let task = ann.refined(&picture_url(), "warmer").await;
        assert_eq!(task["metadata"]["cost"], "0.10", "{task}");
        assert_eq!(usage(&ann).await, json!([spent, "0.00", 0, "0.25", "day"]));
    }
    assert_eq!(ann.refine(&picture_url(), "warmer").await.status, 429);
}

#[test]
fn a_budget_without_a_price_is_warned_of() {
    let budget = "[plans.free]\nbudget = '5 USD/day'";
    for (name, launch, is_warned) in [
        ("neither", Launch::new(), false),
        ("a budget", Launch::new().set("budget", "5 USD/day"), true),
        ("a plan's", Launch::new().file(budget), true),
        (
            "both",
            Launch::new().file(budget).set("model-price", "0"),
            false,
        ),
    ] {
        let log = launch.start().stop().log;
        let warned = log.contains("there is a budget and no price");
        assert_eq!(warned, is_warned, "{name}: {log}");
    }
}
