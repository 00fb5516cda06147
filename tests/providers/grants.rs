//! A model reaches its provider's origin and nothing else, whatever it tries.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;
use tokio::net::TcpSocket;

use crate::pairs::{FAILED, refined, started};

#[tokio::test]
async fn a_model_that_reaches_out_reaches_its_provider_alone() {
    let (provider, forbidden) = (Provider::start(), Origin::start());
    let model = artifacts::scripted_model();
    let launch = Launch::new()
        .set("model", model.to_str().unwrap())
        .set("allow-sources", &forbidden.authority());
    let with_provider = launch.clone().set("model-url", &provider.url()).start();
    let picture = forbidden.picture(&pictures::png(8, 8));
    let port = provider.authority().split(':').nth(1).unwrap().to_owned();
    let own = provider.serve(Reply::picture(&pictures::png(8, 8)));
    let path = own.trim_start_matches(&provider.url()).to_owned();
    let denied = "not fetched: ErrorCode::HttpRequestDenied";
    let of_its_name = format!("http://localhost:{port}{path}");
    for (url, expected) in [
        (own.as_str(), "fetched with status 200"),
        // Even what originals may come from.
        (&picture, denied),
        (&of_its_name, denied),
        ("http://169.254.169.254/latest/meta-data/", denied),
        ("http://example.com/", denied),
    ] {
        let (_, task) = refined(&with_provider, &format!("fetch: {url}")).await;
        let expected = format!("{FAILED}{expected}");
        assert_eq!(task["error_message"], expected, "{url}");
    }

    // One without a provider reaches nothing.
    let without = Launch::new().scripted().start();
    for url in [&own, &picture] {
        let (_, task) = refined(&without, &format!("fetch: {url}")).await;
        let expected = format!("{FAILED}{denied}");
        assert_eq!(task["error_message"], expected, "{url}");
    }
    assert_eq!(forbidden.connections(), 0);
    assert_eq!(provider.asked(&own).len(), 1);
}

/// Though its model says no more than that it refuses.
#[tokio::test]
async fn a_request_that_never_left_costs_nothing() {
    let provider = Provider::start();
    let own = provider.serve(Reply::picture(&pictures::png(8, 8)));
    // A port that is taken, so that nobody gets it, and on which nobody listens.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nowhere = format!("http://{}/", silent.local_addr().unwrap());
    for (url, asked, expected, reserved) in [
        (
            &provider.url(),
            own.as_str(),
            "fetched with status 200",
            "0.06",
        ),
        (
            &provider.url(),
            &nowhere,
            "not fetched: ErrorCode::HttpRequestDenied",
            "0.00",
        ),
        (
            &nowhere,
            &nowhere,
            "not fetched: ErrorCode::ConnectionRefused",
            "0.00",
        ),
    ] {
        let launch = Launch::new().scripted().set("model-url", url);
        let service = started(launch.set("model-price", "0.06")).await;
        let (client, task) = refined(&service, &format!("fetch: {asked}")).await;
        assert_eq!(task["error_message"], format!("{FAILED}{expected}"));
        let told = client.get("/api/usage").await.json();
        assert_eq!(told["reserved"], reserved, "{expected}: {told}");
    }
}
