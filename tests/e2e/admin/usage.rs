//! What users spent, as operators see it.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::StandIn;
use concept_refinement_tests::stand_in::bfl::Bfl;
use concept_refinement_tests::stand_in::stability::Stability;
use serde_json::{Value, json};

use super::{attended, metrics, operator, read, reader};
use crate::shared::{origin, picture_url};

/// A name that a spreadsheet would compute.
const FORMULA: &str = "=1+1";

/// A service that asks this provider, which answers whatever comes.
fn asking(stand_in: &dyn StandIn, set: impl Fn(Launch) -> Launch) -> (Service, Provider) {
    let provider = stand_in.start();
    stand_in.serve(&provider, &pictures::png(30, 20));
    let launch = stand_in.launch(&provider.url()).with_tokens();
    let launch = launch.set("allow-sources", &origin().authority());
    (attended(set(launch)).start(), provider)
}

/// Has a user refine a picture.
async fn refine(service: &Service, user: &str) {
    let client = Client::user(service.url(), user);
    client.completed(&picture_url(), "make it lighter").await;
}

/// The sums of a query.
async fn sums(operator: &Client, query: &str) -> Vec<Value> {
    let answer = read(operator, &format!("usage?{query}")).await;
    answer["usage"].as_array().unwrap().clone()
}

fn spent_by(group: &str, name: &str, spent: &str) -> Value {
    json!({ group: name, "spent": spent, "reserved": "0.00", "unknown_calls": 0 })
}

/// What is told of the model's cost. None: nothing.
async fn cost(operator: &Client, model: &str) -> Option<f64> {
    let series = format!("concept_refinement_model_cost_usd_total{{model=\"{model}\"}}");
    metrics(operator).await.samples.get(&series).copied()
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

/// The provider says that each call costs 4.5 cents.
#[tokio::test]
async fn what_calls_cost_is_summed_by_user_model_and_day() {
    let (service, _provider) = asking(&Bfl, |launch| launch);
    let (operator, reader) = (operator(&service).await, reader(&service).await);
    assert!(sums(&operator, "group=user").await.is_empty());
    assert_eq!(cost(&operator, "bfl").await, Some(0.0), "from the start");
    for user in ["ada", FORMULA, "ada"] {
        refine(&service, user).await;
    }

    let by_user = [
        spent_by("user", FORMULA, "0.045"),
        spent_by("user", "ada", "0.09"),
    ];
    for client in [&operator, &reader] {
        assert_eq!(sums(client, "group=user").await, by_user);
        let by_model = [spent_by("model", "bfl", "0.135")];
        assert_eq!(sums(client, "group=model").await, by_model);
    }
    // Midnight may have been meanwhile.
    let by_day = sums(&operator, "group=day").await;
    assert!((1..=2).contains(&by_day.len()), "{by_day:?}");
    let day = |sum: &Value| sum["day"].as_str().map(str::len);
    assert!(by_day.iter().all(|sum| day(sum) == Some(10)), "{by_day:?}");
    let spent = by_day.iter().map(|sum| sum["spent"].as_str().unwrap());
    let spent: f64 = spent.map(|text| text.parse::<f64>().unwrap()).sum();
    assert!(is_near(spent, 0.135), "{by_day:?}");
    for (period, expected) in [
        ("since=2026-01-01T00:00:00Z", &by_user[..]),
        ("until=2126-01-01T00:00:00Z", &by_user),
        ("since=2126-01-01T00:00:00Z", &[]),
        ("until=2020-01-01T00:00:00Z", &[]),
    ] {
        let found = sums(&operator, &format!("group=user&{period}")).await;
        assert_eq!(found, expected, "{period}");
    }
    eventually("the cost is told", SOON, async || {
        let cost = cost(&operator, "bfl").await?;
        is_near(cost, 0.135).then_some(())
    })
    .await;

    // A spreadsheet gets the same, and computes nothing.
    let path = "/admin/v1/usage?group=user";
    let answer = reader.with("accept", "text/csv").get(path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let media_type = "text/csv; charset=utf-8; header=present";
    assert_eq!(answer.header("content-type"), Some(media_type));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        std::str::from_utf8(&answer.body).unwrap(),
        "user,spent,reserved,unknown_calls\r\n'=1+1,0.045,0.00,0\r\nada,0.09,0.00,0\r\n"
    );
    for (accept, expected) in [
        ("text/csv", media_type),
        ("text/csv, application/json;q=0.9", media_type),
        ("text/csv;q=0.1, application/json", "application/json"),
        ("text/html, */*;q=0.8", "application/json"),
    ] {
        let client = reader.with("accept", accept);
        for answer in [client.get(path).await, client.head(path).await] {
            assert_eq!(answer.header("content-type"), Some(expected), "{accept}");
            assert_eq!(answer.header("vary"), Some("accept"), "{accept}");
        }
    }

    // Who was erased is not named.
    let erased = Client::user(service.url(), "ada").delete("/api/me").await;
    assert_eq!(erased.status, 204, "{erased:?}");
    let found = sums(&operator, "group=user").await;
    let (of_formula, others): (Vec<_>, Vec<_>) =
        found.iter().partition(|sum| sum["user"] == FORMULA);
    assert_eq!(of_formula, [&by_user[0]], "{found:?}");
    assert_eq!(others.len(), 1, "{found:?}");
    assert_eq!(others[0]["spent"], "0.09", "{found:?}");
    assert!(
        !others[0]["user"].as_str().unwrap().contains("ada"),
        "{found:?}"
    );
    let by_model = [spent_by("model", "bfl", "0.135")];
    assert_eq!(sums(&operator, "group=model").await, by_model);
}

/// The provider says nothing: its price counts, if the operator knows it.
#[tokio::test]
async fn a_call_of_unknown_price_is_counted_and_not_priced() {
    for (price, spent, unknown_calls) in [(None, "0.00", 1), (Some("0.06"), "0.06", 0)] {
        let (service, _provider) = asking(&Stability, |launch| match price {
            Some(price) => launch.set("model-price", price),
            None => launch,
        });
        let operator = operator(&service).await;
        refine(&service, "ada").await;
        let expected = json!({
            "user": "ada", "spent": spent, "reserved": "0.00", "unknown_calls": unknown_calls,
        });
        assert_eq!(sums(&operator, "group=user").await, [expected]);
    }
}
