//! Submitting a task, and withdrawing one that could not be published.

use crate::capability::{Accepted, Fenced, NewTask, Submission};
use crate::idempotency::Submitted;
use crate::quota::Window;
use crate::task::Task;
use crate::timestamp::Timestamp;

use super::{Decision, Event, Refusal, TaskRecord};

/// `Retry-After` while the backlog or the queue is full, in seconds.
pub const BACKLOG_RETRY_AFTER: u32 = 10;

/// The state that a submission is checked against: the store's current knowledge
/// about its user. Each method is called at most once, and only if it matters.
pub trait Account {
    /// Why the store cannot answer.
    type Fault: From<Refusal>;

    /// The submission under the key, if it is still remembered.
    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Self::Fault>;

    /// The user's tasks that are pending or processing. None: there are none.
    fn active(&self) -> Result<Option<ActiveTasks>, Self::Fault>;

    /// How many tasks were created in the current window.
    fn used(&self, window: Window) -> Result<u32, Self::Fault>;

    /// Whether the limit of pending tasks of all users is reached.
    fn is_backlog_full(&self) -> Result<bool, Self::Fault>;

    /// Whether a task with this id exists.
    fn is_taken(&self, task_id: &str) -> Result<bool, Self::Fault>;
}

/// A user's tasks that are pending or processing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveTasks {
    /// How many there are, at least one.
    pub count: u32,
    /// The one that was created first.
    pub oldest: Task,
}

/// Checks in this order: key, original, active tasks, quota, backlog. In the same step, a
/// created task has to be inserted, counted in each window and remembered under its key.
pub fn submit<A: Account>(
    account: &A,
    task: NewTask,
    now: Timestamp,
) -> Result<Submission, A::Fault> {
    let quota = task.quota;
    let used = || {
        let used = |window| account.used(window);
        quota.map_or(Ok(0), |quota| used(quota.window))
    };
    let accepted = |task, used| Accepted {
        task,
        quota: quota.map(|quota| quota.state(used, now)),
    };
    if let Some(key) = &task.idempotency_key
        && let Some(earlier) = account.submitted(key)?
        && earlier.is_remembered(now)
    {
        return Ok(match earlier.replay(&task) {
            Some(task) => Submission::Replayed(accepted(task, used()?)),
            None => Submission::KeyReused,
        });
    }
    if !task.original_found {
        return Ok(Submission::OriginalMissing);
    }
    if let Some(active) = account.active()?
        && active.count >= task.active_tasks
    {
        return Ok(Submission::Active(accepted(active.oldest, used()?)));
    }
    let used = used()?;
    if let Some(state) = quota.map(|quota| quota.state(used, now))
        && state.remaining == 0
    {
        return Ok(Submission::QuotaExceeded(state));
    }
    if account.is_backlog_full()? {
        return Ok(Submission::BacklogFull(BACKLOG_RETRY_AFTER));
    }
    if account.is_taken(&task.id)? {
        return Err(Refusal::IdTaken.into());
    }
    let used = used.saturating_add(1);
    Ok(Submission::Created(accepted(task.created(now), used)))
}

/// Withdraws a task that nobody has claimed: it fails, and its quota is given back.
pub fn withdraw(record: &mut TaskRecord, error_message: &str, now: Timestamp) -> Decision<Fenced> {
    if record.enter_failure(Event::Withdraw, error_message, now) {
        Decision::changed(record, Event::Withdraw, Fenced::Done)
    } else {
        Decision::unchanged(Fenced::Lost)
    }
}
