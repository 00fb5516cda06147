//! Attempts to deliver webhooks.

use concept_refinement_domain::webhook::DeliveryAnswer;
use concept_refinement_runtime::metrics::series::{Active, Buckets, Label, counters, histograms};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::timed::{CANCELLED, Timed, Timer};

const OUTCOME: &str = "outcome";
const DELIVERED: &str = "delivered";
const REFUSED: &str = "refused";
const UNANSWERED: &str = "unanswered";
const OUTCOMES: [&str; 4] = [DELIVERED, REFUSED, UNANSWERED, CANCELLED];

pub struct Webhooks {
    attempts: Timed<Label>,
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
            attempts: Timed {
                counts: counters(
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
            },
            in_flight,
        }
    }

    pub fn began(&self) -> Attempt<'_> {
        Attempt {
            timer: self.attempts.begin(label as fn(_) -> _),
            _present: Active::of(&self.in_flight),
        }
    }
}

/// An attempt under way; if dropped without an answer, it was cancelled.
pub struct Attempt<'a> {
    timer: Timer<'a, Label, fn(&'static str) -> Label>,
    _present: Active,
}

impl Attempt<'_> {
    pub fn ended(self, answer: &DeliveryAnswer) {
        self.timer.end(match answer {
            DeliveryAnswer::Status {
                code: 200..=299, ..
            } => DELIVERED,
            DeliveryAnswer::Status { .. } => REFUSED,
            DeliveryAnswer::None(_) => UNANSWERED,
        });
    }
}

fn label(outcome: &'static str) -> Label {
    [(OUTCOME, outcome)]
}
