//! Calls of the links of a chain of models.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::deadline::{SOON, eventually};

use super::{measured, scrape};
use crate::shared::{new_user, picture_url};

#[tokio::test]
async fn each_call_of_a_link_counts_by_what_became_of_it() {
    let scripted = artifacts::scripted_model();
    let chain = format!("fallback({}, local)", scripted.display());
    let (service, metrics) = measured(&[("model", &chain), ("model-timeout", "3s")]).await;
    let client = new_user(&service);
    let first = "model-scripted";
    let (_, mut before) = scrape(&metrics).await;
    // The local model knows none of these words.
    for (prompt, calls, of_chain) in [
        ("echo it", vec![(first, "image")], "image"),
        ("refuse: no", vec![(first, "refused")], "refused"),
        (
            "unavailable",
            vec![(first, "unavailable"), ("local", "refused")],
            "refused",
        ),
        (
            "hang for ever",
            vec![(first, "broken"), ("local", "refused")],
            "refused",
        ),
    ] {
        client.refined(&picture_url(), prompt).await;
        let link = calls.iter().map(|(link, outcome)| {
            let labels = format!("{{link=\"{link}\",outcome=\"{outcome}\"}}");
            [
                format!("concept_refinement_model_link_call_duration_seconds_count{labels}"),
                format!("concept_refinement_model_link_calls_total{labels}"),
            ]
        });
        let chain = format!("concept_refinement_model_calls_total{{outcome=\"{of_chain}\"}}");
        let mut expected: Vec<_> = link.flatten().chain([chain]).map(|it| (it, 1.0)).collect();
        expected.sort_by(|one, other| one.0.cmp(&other.0));
        before = eventually(prompt, SOON, async || {
            let (_, now) = scrape(&metrics).await;
            let names = [
                "concept_refinement_model_calls_total",
                "concept_refinement_model_link_calls_total",
                "concept_refinement_model_link_call_duration_seconds_count",
            ];
            let changes: Vec<_> = now.changes_since(&before, &names).into_iter().collect();
            (changes == expected).then_some(now)
        })
        .await;
    }
}
