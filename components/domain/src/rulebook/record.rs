//! A task as stored.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::capability::Lease;
use crate::document::{OtherFields, is_zero};
use crate::payment::Payment;
use crate::sentence::{ANSWER_UNUSABLE, CANCELLED_BY_OPERATOR, CANCELLED_BY_USER, reason};
use crate::spending::{Booking, Reservation, Spending};
use crate::step::{Step, StepKind, Steps};
use crate::task::{FailureCause, Status, Task};
use crate::timestamp::Timestamp;
use crate::trace::TraceContext;
use crate::webhook::{DeliveryRecord, Webhook};

use super::event::{Event, next_status};

/// A task with the data that users see, and the data that only claims need.
///
/// It is serialized as its state document (see [`crate::document`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The part that users see.
    #[serde(flatten)]
    pub task: Task,
    /// How long its lease lasts after each renewal, while it is processing. It is stored,
    /// since hosts may have different settings.
    #[serde(skip)]
    pub lease: Option<Duration>,
    /// How often it was claimed: the fencing token.
    pub attempt: u32,
    /// How often a lease expired.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deaths: u32,
    /// How often its status changed; orders notifications to watchers.
    #[serde(skip)]
    pub revision: u64,
    /// What is set aside for it until it ends, if its price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
    /// The payment state of its model calls.
    #[serde(default, skip_serializing_if = "Payment::is_empty")]
    pub payment: Payment,
    /// The delivery of its webhook, if it has one. It is due once the task has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryRecord>,
    /// The failed task that it retries, if an operator requested it.
    #[serde(skip)]
    pub retry_of: Option<String>,
    /// The trace context of its request. No decision depends on it.
    #[serde(skip)]
    pub trace: Option<TraceContext>,
    /// Its story.
    #[serde(default)]
    pub steps: Steps,
    /// Fields that only a later version knows.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl TaskRecord {
    /// The record of a new task.
    pub fn new(task: Task, webhook: Option<Webhook>) -> Self {
        let mut steps = Steps::default();
        steps.push(Step::new(StepKind::Submitted, 0, task.created_at));
        Self {
            task,
            delivery: webhook.map(DeliveryRecord::new),
            steps,
            ..Self::default()
        }
    }

    /// The fence: whether a write of a worker is accepted is decided here, in the same
    /// step.
    ///
    /// An expired lease is lost only when another worker claims the task. Until then its
    /// worker may continue.
    pub fn is_held_by(&self, lease: &Lease) -> bool {
        self.task.id == lease.task_id
            && self.task.status == Status::Processing
            && self.attempt == lease.attempt
    }

    /// What changes about its user's spending when it ends or is deleted before: its
    /// reservation is replaced by what is known.
    pub fn settlement(&self) -> Vec<Booking> {
        let reservation = self.reservation.iter().map(|reservation| Booking {
            model: reservation.model.clone(),
            change: Spending::default().minus(Spending::reserved(reservation.price)),
        });
        Booking::sums(reservation.chain(self.payment.bookings()))
    }

    /// What is set aside for it when it is created.
    pub fn reserved(&self) -> Vec<Booking> {
        Booking::sums(self.reservation.iter().map(Booking::of))
    }

    /// Whether its user or an operator ended it.
    pub fn was_cancelled(&self) -> bool {
        let error_message = self.task.error_message.as_deref();
        matches!(
            error_message,
            Some(CANCELLED_BY_USER | CANCELLED_BY_OPERATOR)
        )
    }

    /// Whether it failed because its model's answer is no image.
    pub fn has_unusable_answer(&self) -> bool {
        let error_message = self.task.error_message.as_deref();
        error_message.is_some_and(|message| reason(message).starts_with(ANSWER_UNUSABLE))
    }

    /// The ids of its retries, the first one first.
    pub fn retries(&self) -> Vec<String> {
        let retried = self
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Retried);
        retried.filter_map(|step| step.detail).collect()
    }

    /// Adds steps that were noted on this host, before the record is saved.
    pub fn tell(&mut self, noted: impl IntoIterator<Item = Step>, host: &str) {
        for step in noted {
            self.steps.push(step);
        }
        self.steps.locate(host);
        if self.task.status == Status::Completed && self.task.model.is_none() {
            let link = self.steps.answered_by(self.attempt);
            self.task.model = link.map(str::to_owned);
        }
    }

    /// False: the event is not possible for the task.
    pub(super) fn enter(&mut self, event: Event, now: Timestamp) -> bool {
        let Some(status) = next_status(self.task.status, event) else {
            return false;
        };
        self.task.status = status;
        self.task.updated_at = Some(now);
        self.task.completed_at = status.is_final().then_some(now);
        if status.is_final() {
            self.task.usage = self.payment.total_usage();
        }
        if status != Status::Processing {
            self.task.lease_until = None;
            self.lease = None;
        }
        self.revision = self.revision.saturating_add(1);
        if let Some(kind) = event.step() {
            self.steps.push(Step::new(kind, self.attempt, now));
        }
        true
    }

    /// False: the task cannot fail by this event.
    pub(super) fn enter_failure(&mut self, event: Event, reason: &str, now: Timestamp) -> bool {
        let is_failed = self.enter(event, now);
        if is_failed {
            self.task.error_message = Some(reason.to_owned());
            self.task.failure_cause = Some(match self.payment.is_free() {
                true => FailureCause::Other,
                false => FailureCause::PerhapsPaid,
            });
        }
        is_failed
    }
}
