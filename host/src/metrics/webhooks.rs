//! Attempts to deliver webhooks.

use std::time::Instant;

use concept_refinement_domain::webhook::DeliveryAnswer;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::series::{Active, Buckets, Counters, Histograms, Label, counters, histograms, observe};

const OUTCOME: &str = "outcome";
const DELIVERED: &str = "delivered";
const REFUSED: &str = "refused";
const UNANSWERED: &str = "unanswered";
const CANCELLED: &str = "cancelled";
const OUTCOMES: [&str; 4] = [DELIVERED, REFUSED, UNANSWERED, CANCELLED];

pub struct Webhooks {
    attempts: Counters,
    durations: Histograms<Label>,
    in_flight: Gauge,
}

impl Webhooks {
    pub fn new(registry: &mut Registry) -> Self {
        let in_flight = Gauge::default();
        registry.register(
            "webhook_attempts_in_flight",
            "Attempts to deliver a webhook that are under way",
            in_flight.clone(),
        );
        Self {
            attempts: counters(
                registry,
                "webhook_attempts",
                "Attempts to deliver a webhook",
                OUTCOME,
                OUTCOMES,
            ),
            durations: histograms(
                registry,
                "webhook_attempt_duration",
                "From the beginning of an attempt to the receiver's status",
                Buckets::Work,
                OUTCOME,
                OUTCOMES,
            ),
            in_flight,
        }
    }

    pub fn began(&self) -> Attempt<'_> {
        Attempt {
            webhooks: self,
            begin: Instant::now(),
            outcome: CANCELLED,
            _present: Active::of(&self.in_flight),
        }
    }
}

/// An attempt under way; if dropped without an answer, it was cancelled.
pub struct Attempt<'a> {
    webhooks: &'a Webhooks,
    begin: Instant,
    outcome: &'static str,
    _present: Active,
}

impl Attempt<'_> {
    pub fn ended(mut self, answer: &DeliveryAnswer) {
        self.outcome = match answer {
            DeliveryAnswer::Status {
                code: 200..=299, ..
            } => DELIVERED,
            DeliveryAnswer::Status { .. } => REFUSED,
            DeliveryAnswer::None(_) => UNANSWERED,
        };
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let label = [(OUTCOME, self.outcome)];
        self.webhooks.attempts.get_or_create(&label).inc();
        let duration = self.webhooks.durations.get_or_create(&label);
        observe(&duration, self.begin.elapsed());
    }
}
