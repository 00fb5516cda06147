//! Attempts to deliver webhooks.

use concept_refinement_domain::webhook::DeliveryAnswer;
use concept_refinement_runtime::metrics::series::{Active, Label, register};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::timed::{CANCELLED, Timed, Timer};

const DELIVERED: &str = "delivered";
const REFUSED: &str = "refused";
const UNANSWERED: &str = "unanswered";

pub struct Webhooks {
    attempts: Timed<Label>,
    in_flight: Gauge,
}

impl Webhooks {
    pub fn new(registry: &mut Registry) -> Self {
        let in_flight = "Attempts to deliver a webhook that are under way";
        let in_flight = register(registry, "webhook_attempts_in_flight", in_flight);
        let attempts = Timed::new(
            registry,
            "webhook_attempt",
            "Attempts to deliver a webhook",
            "From the beginning of an attempt to the receiver's status",
        );
        for outcome in [DELIVERED, REFUSED, UNANSWERED, CANCELLED] {
            attempts.introduce(&label(outcome));
        }
        Self {
            attempts,
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

/// An attempt in progress; if it is dropped without an answer, it counts as cancelled.
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
    [("outcome", outcome)]
}
