//! Cancels a task on behalf of its user.

use crate::capability::Cancellation;
use crate::sentence::CANCELLED_BY_USER;
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
    if !record.enter_failure(Event::Cancel, CANCELLED_BY_USER, now) {
        return Decision::unchanged(Some(Cancellation::Ended(record.task.clone())));
    }
    let cancelled = Cancellation::Cancelled(record.task.clone());
    Decision::changed(Event::Cancel, Some(cancelled))
}
