//! Attempts to deliver webhooks.

use concept_refinement_domain::webhook::DeliveryAnswer;
use concept_refinement_runtime::metrics::timed::{CANCELLED, Work};
use prometheus_client::registry::Registry;

const DELIVERED: &str = "delivered";
const REFUSED: &str = "refused";
const UNANSWERED: &str = "unanswered";

pub fn attempts(registry: &mut Registry) -> Work {
    let help = [
        "Attempts to deliver a webhook that are under way",
        "Attempts to deliver a webhook",
        "From the beginning of an attempt to the receiver's status",
    ];
    let outcomes = [DELIVERED, REFUSED, UNANSWERED, CANCELLED];
    Work::new(registry, "webhook_attempt", help, &outcomes)
}

pub fn outcome(answer: &DeliveryAnswer) -> &'static str {
    match answer {
        DeliveryAnswer::Status {
            code: 200..=299, ..
        } => DELIVERED,
        DeliveryAnswer::Status { .. } => REFUSED,
        DeliveryAnswer::None(_) => UNANSWERED,
    }
}
