//! Fails a task that no worker has begun by its deadline.

use crate::lease::has_missed_deadline;
use crate::sentence::not_started;
use crate::timestamp::Timestamp;

use super::{Decision, Event, TaskRecord};

/// Whether it failed by this. A task that a worker has begun, and perhaps released, has until
/// its deadline to end, which its next worker sees to.
pub fn miss_deadline(record: &mut TaskRecord, now: Timestamp) -> Decision<bool> {
    let seconds = record.task.refinement.deadline_seconds.unwrap_or_default();
    let is_missed = has_missed_deadline(&record.task, now)
        && record.enter_failure(Event::MissDeadline, &not_started(seconds), now);
    match is_missed {
        true => Decision::changed(record, Event::MissDeadline, true),
        false => Decision::unchanged(false),
    }
}
