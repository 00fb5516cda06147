//! Attempts to deliver webhooks.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::receiver::nobody;
use concept_refinement_tests::server::Reply;

use super::{measured, scrape};
use crate::shared::new_user;
use crate::webhooks::{accepted, receiver};

#[tokio::test]
async fn each_attempt_counts_by_what_became_of_it() {
    let (service, metrics) = measured(&[("allow-webhooks", "127.0.0.1")]).await;
    let hooks = [
        receiver().hook([Reply::status(200)]),
        receiver().hook([Reply::status(410)]),
        nobody(),
    ];
    for hook in &hooks {
        let client = new_user(&service);
        accepted(&client, "instant", hook).await;
    }
    for (outcome, least) in [("delivered", 1.0), ("refused", 1.0), ("unanswered", 1.0)] {
        eventually(outcome, SOON, async || {
            let (_, read) = scrape(&metrics).await;
            let count = |name: &str| {
                let name = format!("concept_refinement_webhook_attempt{name}");
                read.sum(&name, &[("outcome", outcome)])
            };
            (count("s_total") >= least && count("_duration_seconds_count") >= least).then_some(())
        })
        .await;
    }
}
