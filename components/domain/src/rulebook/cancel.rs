//! Cancels a task on behalf of its user or an operator.

use crate::capability::Cancellation;
use crate::sentence::{CANCELLED_BY_OPERATOR, CANCELLED_BY_USER};
use crate::timestamp::Timestamp;

use super::{Decision, Event, TaskRecord};

/// The task fails, and is kept. None: it is another user's.
pub fn cancel(
    record: &mut TaskRecord,
    user_id: &str,
    now: Timestamp,
) -> Decision<Option<Cancellation>> {
    if record.task.user_id != user_id {
        return Decision::unchanged(None);
    }
    end(record, Event::Cancel, CANCELLED_BY_USER, now).map(Some)
}

/// The same for an operator: the quota is given back.
pub fn cancel_as_operator(record: &mut TaskRecord, now: Timestamp) -> Decision<Cancellation> {
    end(record, Event::OperatorCancel, CANCELLED_BY_OPERATOR, now)
}

fn end(
    record: &mut TaskRecord,
    event: Event,
    reason: &str,
    now: Timestamp,
) -> Decision<Cancellation> {
    if !record.enter_failure(event, reason, now) {
        return Decision::unchanged(Cancellation::Ended(record.task.clone()));
    }
    Decision::changed(record, event, Cancellation::Cancelled(record.task.clone()))
}
