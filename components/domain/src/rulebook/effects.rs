//! What goes with the change of a task.

use crate::concept::Concept;
use crate::quota::Refund;
use crate::spending::Booking;

use super::{Event, TaskRecord};

/// What has to be saved in the same step as the changed task, and who has to be told once
/// that is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// A concept that has to be inserted.
    pub concept: Option<Box<Concept>>,
    /// The quota for the task has to be given back to its user.
    pub refund: Option<Refund>,
    /// What changes about its user's spending in the window of its submission.
    pub bookings: Vec<Booking>,
    /// The submission is undone, so its idempotency key has to be forgotten.
    pub forgets_key: bool,
    /// The task has ended, so it no longer needs space for its refined image.
    pub has_ended: bool,
    /// Its watchers are notified.
    pub is_announced: bool,
    /// Its holder has to stop at once.
    pub revokes_claim: bool,
    /// Its webhook has become due.
    pub has_delivery: bool,
}

impl Effects {
    /// Those of an event that has just changed the task. A rule changes the status only of
    /// tasks that were not final, so a final task has ended by this event.
    pub(super) fn of(record: &TaskRecord, event: Event) -> Self {
        let has_ended = record.task.status.is_final();
        Self {
            concept: None,
            refund: refund(record, event),
            bookings: match has_ended {
                true => record.settlement(),
                false => Vec::new(),
            },
            forgets_key: event == Event::Withdraw,
            has_ended,
            is_announced: !matches!(event, Event::Renew | Event::Pay),
            revokes_claim: matches!(event, Event::Cancel | Event::OperatorCancel),
            has_delivery: has_ended && record.delivery.is_some(),
        }
    }
}

fn refund(record: &TaskRecord, event: Event) -> Option<Refund> {
    match event {
        // A retry is not counted.
        _ if record.retry_of.is_some() => None,
        Event::Withdraw => Some(Refund::Always),
        Event::OperatorCancel => Some(Refund::UpToLimit),
        Event::Fail | Event::MissDeadline if record.payment.is_free() => Some(Refund::UpToLimit),
        _ => None,
    }
}
