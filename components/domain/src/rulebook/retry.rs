//! Retries a failed task as a new one, at the request of an operator.

use crate::payment::Payment;
use crate::step::{Step, StepKind};
use crate::task::{Status, Task};
use crate::task_image::task_of_path;
use crate::timestamp::Timestamp;
use crate::webhook::DeliveryRecord;

use super::TaskRecord;

/// How an operator chose a task to be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// By its id.
    Id,
    /// By a filter, as the newest matching task of its user. The operator has not looked
    /// at this task, so it is not retried if its user may not want it any more.
    Filter,
}

/// A store's knowledge about other tasks of the same user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Whether one is pending or processing. If the rest is read in other statements, it
    /// must be read after this: a retry that is not active by then has ended for good.
    pub has_active: bool,
    /// The states of the retries of the task, and of their retries. None: it is deleted.
    pub retries: Vec<Option<Status>>,
    /// Whether one is completed that was created later. Only matters for [`Choice::Filter`].
    pub has_later_completed: bool,
}

/// The outcome of a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The new task. In the same step the new task has to be inserted, and the failed one
    /// saved, because its story has grown. The new task does not count against the quota.
    Created(Box<TaskRecord>),
    /// The task has not failed.
    NotFailed,
    /// Its user has a task that is pending or processing, which may be a retry of it.
    Active,
    /// An image that came with it was deleted at its end.
    ImageGone,
    /// A retry of it has been completed or, if it was chosen by a filter, has not failed.
    Retried,
    /// It was cancelled, and chosen by a filter.
    Cancelled,
    /// Its user has a later task that is completed, and it was chosen by a filter.
    Superseded,
}

/// The new task belongs to the same user, whose budget is not asked. It continues with the
/// receipts of the failed one, unless what they lead to is unusable, and the receiver of its
/// webhook is notified of the new task's end too.
pub fn retry(
    record: &mut TaskRecord,
    choice: Choice,
    others: &Others,
    id: String,
    now: Timestamp,
) -> Retry {
    let is_by_filter = choice == Choice::Filter;
    let is_done = |retry: &Option<Status>| match is_by_filter {
        true => *retry != Some(Status::Failed),
        false => *retry == Some(Status::Completed),
    };
    if record.task.status != Status::Failed {
        return Retry::NotFailed;
    }
    if others.has_active {
        return Retry::Active;
    }
    if others.retries.iter().any(is_done) {
        return Retry::Retried;
    }
    let images = [&record.task.original_path, &record.task.mask_path];
    let mut images = images.into_iter().flatten();
    if images.any(|path| task_of_path(path).is_some()) {
        return Retry::ImageGone;
    }
    if is_by_filter && record.was_cancelled() {
        return Retry::Cancelled;
    }
    if is_by_filter && others.has_later_completed {
        return Retry::Superseded;
    }
    let retried = Step::new(StepKind::Retried, record.attempt, now).with(&id);
    record.steps.push(retried);
    let delivery = record.delivery.as_ref().map(|delivery| DeliveryRecord {
        retry_of: Some(record.task.id.clone()),
        ..DeliveryRecord::new(delivery.webhook.clone())
    });
    let failed = &record.task;
    let task = Task {
        id,
        user_id: failed.user_id.clone(),
        is_anonymous: failed.is_anonymous,
        refinement: failed.refinement.clone(),
        original_path: failed.original_path.clone(),
        mask_path: failed.mask_path.clone(),
        parent: failed.parent.clone(),
        created_at: now,
        ..Task::default()
    };
    let created = TaskRecord {
        payment: match record.has_unusable_answer() {
            true => Payment::default(),
            false => record.payment.of_retry(),
        },
        reservation: record.reservation.clone(),
        retry_of: Some(failed.id.clone()),
        trace: record.trace,
        delivery,
        ..TaskRecord::new(task, None)
    };
    Retry::Created(Box::new(created))
}
