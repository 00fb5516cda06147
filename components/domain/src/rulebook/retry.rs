//! Retries a failed task as a new one, at the request of an operator.

use crate::step::{Step, StepKind};
use crate::task::{Status, Task};
use crate::timestamp::Timestamp;
use crate::webhook::DeliveryRecord;

use super::TaskRecord;

/// The outcome of a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The new task. In the same step it has to be inserted, and the failed one saved, whose
    /// story has grown. It is not counted.
    Created(Box<TaskRecord>),
    /// The task has not failed.
    NotFailed,
    /// Its user has a task that is pending or processing, which may be a retry of it.
    Active,
}

/// The new task belongs to the same user. It continues with the receipts of the failed
/// one, and the receiver of its webhook is told of the new task's end too.
pub fn retry(record: &mut TaskRecord, has_active: bool, id: String, now: Timestamp) -> Retry {
    if record.task.status != Status::Failed {
        return Retry::NotFailed;
    }
    if has_active {
        return Retry::Active;
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
        status: Status::Pending,
        created_at: now,
        updated_at: None,
        completed_at: None,
        result_id: None,
        image_path: None,
        error_message: None,
        lease_until: None,
        ..failed.clone()
    };
    let created = TaskRecord {
        payment: record.payment.of_retry(),
        retry_of: Some(failed.id.clone()),
        trace: record.trace,
        delivery,
        ..TaskRecord::new(task, None)
    };
    Retry::Created(Box::new(created))
}
