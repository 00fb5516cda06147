//! Submitting a task, and withdrawing one that could not be published.

use crate::capability::{Accepted, Fenced, NewTask, Submission};
use crate::idempotency::Submitted;
use crate::quota::Window;
use crate::task::Task;
use crate::timestamp::Timestamp;

use super::{Decision, Event, Refusal, TaskRecord};

/// `Retry-After` while the backlog or the queue is full, in seconds.
pub const BACKLOG_RETRY_AFTER: u32 = 10;

/// What a submission is judged by: what the store knows of its user at this
/// moment. Each is asked for at most once, and only where it matters.
pub trait Account {
    /// Why the store cannot say.
    type Fault: From<Refusal>;

    /// What was submitted under the key, if that is still known.
    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Self::Fault>;

    /// The user's task that is pending or processing.
    fn active(&self) -> Result<Option<Task>, Self::Fault>;

    /// How many tasks were created in the window that lasts now.
    fn used(&self, window: Window) -> Result<u32, Self::Fault>;

    /// Whether as many tasks are pending, of all users, as there may be.
    fn is_backlog_full(&self) -> Result<bool, Self::Fault>;

    /// Whether there is a task of this id.
    fn is_taken(&self, task_id: &str) -> Result<bool, Self::Fault>;
}

/// Judges in this order: key, original, active task, quota,
/// backlog. A task that is created has to be inserted, counted in each window
/// and remembered under its key, in the same step.
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
    if let Some(active) = account.active()? {
        return Ok(Submission::Active(accepted(active, used()?)));
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

/// Takes back a task that nobody has claimed: it failed, and it cost nothing.
pub fn withdraw(record: &mut TaskRecord, error_message: &str, now: Timestamp) -> Decision<Fenced> {
    if record.enter_failure(Event::Withdraw, error_message, now) {
        Decision::changed(Event::Withdraw, Fenced::Done)
    } else {
        Decision::unchanged(Fenced::Lost)
    }
}
