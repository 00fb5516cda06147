//! Records attempts to deliver a task's webhook, and requests another one.

use crate::capability::Fenced;
use crate::timestamp::Timestamp;
use crate::webhook::{DeliveryLease, DeliveryOutcome, Redelivery};

use super::{Decision, Effects, TaskRecord};

/// Records the outcome of an attempt. See
/// [`DeliveryRecord::record`](crate::webhook::DeliveryRecord::record).
pub fn record_attempt(
    record: &mut TaskRecord,
    lease: &DeliveryLease,
    outcome: DeliveryOutcome,
    jitter: f64,
    now: Timestamp,
) -> Decision<Fenced> {
    let Some(delivery) = &mut record.delivery else {
        return Decision::unchanged(Fenced::Lost);
    };
    let recorded = delivery.record(lease, outcome, jitter, now);
    if recorded == Fenced::Lost {
        return Decision::unchanged(recorded);
    }
    record.steps.push(delivery.step(record.attempt));
    Decision::with(Effects::default(), recorded)
}

/// Makes one more attempt due, if the task is this user's.
pub fn redeliver(record: &mut TaskRecord, user_id: &str, now: Timestamp) -> Decision<Redelivery> {
    let is_theirs = record.task.user_id == user_id;
    let Some(delivery) = record.delivery.as_mut().filter(|_| is_theirs) else {
        return Decision::unchanged(Redelivery::None);
    };
    match delivery.redeliver(now) {
        Redelivery::Requested => {
            let effects = Effects {
                has_delivery: true,
                ..Effects::default()
            };
            Decision::with(effects, Redelivery::Requested)
        }
        refused => Decision::unchanged(refused),
    }
}
