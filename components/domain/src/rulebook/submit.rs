//! Submitting a task, and withdrawing one that could not be published.

use crate::capability::{Accepted, Fenced, NewTask, Overspent, Submission};
use crate::idempotency::Submitted;
use crate::quota::{Usage, Window};
use crate::spending::Spending;
use crate::task::Task;
use crate::timestamp::Timestamp;

use super::{Decision, Event, Refusal, TaskRecord};

/// `Retry-After` while the backlog or the queue is full, in seconds.
pub const BACKLOG_RETRY_AFTER: u32 = 10;

/// The state that a submission is checked against: the store's current knowledge
/// about its user. A method is called only if it matters.
pub trait Account {
    /// Why the store cannot answer.
    type Fault: From<Refusal>;

    /// The submission under the key, if it is still remembered.
    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Self::Fault>;

    /// The user's tasks that are pending or processing. None: there are none.
    fn active(&self) -> Result<Option<ActiveTasks>, Self::Fault>;

    /// How many tasks were created.
    fn usage(&self) -> Result<Usage, Self::Fault>;

    /// What is spent and reserved in the window that contains `now`.
    fn spending(&self, window: Window, now: Timestamp) -> Result<Spending, Self::Fault>;

    /// Whether the limit of pending tasks of all users is reached.
    fn is_backlog_full(&self) -> Result<bool, Self::Fault>;

    /// Whether a task with this id exists.
    fn is_taken(&self, task_id: &str) -> Result<bool, Self::Fault>;

    /// When a task is created that is accepted now: later, if lists rely on no two tasks of
    /// a user being created at the same time.
    fn time_of_creation(&self, now: Timestamp) -> Timestamp {
        now
    }
}

/// A user's tasks that are pending or processing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveTasks {
    /// How many there are, at least one.
    pub count: u32,
    /// The one that was created first.
    pub oldest: Task,
}

/// A new task with what has to be saved in the same step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The task.
    pub record: TaskRecord,
    /// How many tasks its user has created, including this one.
    pub usage: Usage,
    /// The key under which the submission has to be remembered.
    pub idempotency_key: Option<String>,
}

impl Creation {
    /// What has to be remembered under the key.
    pub fn submitted(&self) -> Submitted {
        let delivery = self.record.delivery.as_ref();
        Submitted::of(
            &self.record.task,
            delivery.map(|delivery| &delivery.webhook),
        )
    }
}

/// Checks in this order: key, original, active tasks, quota, budget, backlog.
pub fn submit<A: Account>(
    account: &A,
    task: NewTask,
    now: Timestamp,
) -> Result<Decision<Submission, Creation>, A::Fault> {
    let refused = |submission| Ok(Decision::unchanged(submission));
    let quota = task.quota;
    let used = || match quota {
        Some(quota) => account.usage().map(|usage| usage.used(quota.window, now)),
        None => Ok(0),
    };
    let accepted = |task, used| Accepted {
        task,
        quota: quota.map(|quota| quota.state(used, now)),
    };
    if let Some(key) = &task.idempotency_key
        && let Some(earlier) = account.submitted(key)?
        && earlier.is_remembered_for(&task, now)
    {
        return refused(match earlier.replay(&task) {
            Some(task) => Submission::Replayed(accepted(task, used()?)),
            None => Submission::KeyReused,
        });
    }
    if !task.images_found {
        return refused(Submission::ImageMissing);
    }
    if let Some(active) = account.active()?
        && active.count >= task.active_tasks
    {
        return refused(Submission::Active(accepted(active.oldest, used()?)));
    }
    let used = used()?;
    if let Some(state) = quota.map(|quota| quota.state(used, now))
        && state.remaining == 0
    {
        return refused(Submission::QuotaExceeded(state));
    }
    if let Some(budget) = task.budget {
        let sum = account.spending(budget.window, now)?;
        let price = task
            .reservation
            .as_ref()
            .map(|reservation| reservation.price);
        if !budget.allows(sum, price) {
            return refused(Submission::BudgetExceeded(Overspent {
                reset: budget.window.end(now),
                quota: quota.map(|quota| quota.state(used, now)),
            }));
        }
    }
    if account.is_backlog_full()? {
        return refused(Submission::BacklogFull(BACKLOG_RETRY_AFTER));
    }
    if account.is_taken(&task.id)? {
        return Err(Refusal::IdTaken.into());
    }
    let mut usage = account.usage()?;
    usage.add(quota, now);
    let (idempotency_key, webhook) = (task.idempotency_key.clone(), task.webhook.clone());
    let trace = task.trace;
    let reservation = task.reservation.clone();
    let task = task.created(account.time_of_creation(now));
    let creation = Creation {
        record: TaskRecord {
            trace,
            reservation,
            ..TaskRecord::new(task.clone(), webhook)
        },
        usage,
        idempotency_key,
    };
    let submission = Submission::Created(accepted(task, used.saturating_add(1)));
    Ok(Decision::with(creation, submission))
}

/// Withdraws a task that nobody has claimed: it fails, and its quota is given back.
pub fn withdraw(record: &mut TaskRecord, error_message: &str, now: Timestamp) -> Decision<Fenced> {
    if record.enter_failure(Event::Withdraw, error_message, now) {
        Decision::changed(record, Event::Withdraw, Fenced::Done)
    } else {
        Decision::unchanged(Fenced::Lost)
    }
}
