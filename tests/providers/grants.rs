//! A model reaches its provider's origin and nothing else, whatever it tries.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;

use crate::pairs::{FAILED, refined};

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
