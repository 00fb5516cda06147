//! Submitting a task, withdrawing one that could not be published, and cancelling one.

use concept_refinement_domain::capability::{Cancellation, Fenced, NewTask, Submission};
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::{self, Account, TaskRecord};
use concept_refinement_domain::task::Task;

use super::change::change;
use super::fault::Fault;
use super::writer::Step;
use super::{keys, rows, usage};
use crate::sqlite::statements::one;

pub(super) fn submit(
    step: &mut Step<'_>,
    new_task: NewTask,
    max_backlog: u32,
) -> Result<Submission, Fault> {
    let user_id = new_task.user_id.clone();
    let key = new_task.idempotency_key.clone();
    let webhook = new_task.webhook.clone();
    let (quota, trace) = (new_task.quota, new_task.trace);
    let account = StoredAccount {
        step,
        user_id: &user_id,
        max_backlog,
    };
    let submission = rulebook::submit(&account, new_task, step.now)?;
    if let Submission::Created(accepted) = &submission {
        step.promise_room()?;
        if let Some(key) = &key {
            keys::remember(step, &accepted.task, webhook.as_ref(), key)?;
        }
        let mut record = TaskRecord::new(accepted.task.clone(), webhook);
        record.trace = trace;
        record.steps.locate(step.host);
        rows::insert(step, &record)?;
        usage::count(step, &user_id, quota)?;
    }
    Ok(submission)
}

pub(super) fn withdraw(
    step: &mut Step<'_>,
    id: &str,
    error_message: &str,
) -> Result<Fenced, Fault> {
    change(step, id, Fenced::Lost, |record, now| {
        rulebook::withdraw(record, error_message, now)
    })
}

pub(super) fn cancel(
    step: &mut Step<'_>,
    user_id: &str,
    id: &str,
) -> Result<Option<Cancellation>, Fault> {
    change(step, id, None, |record, now| {
        rulebook::cancel(record, user_id, now)
    })
}

/// The state of a user in the tables.
struct StoredAccount<'a> {
    step: &'a Step<'a>,
    user_id: &'a str,
    max_backlog: u32,
}

impl Account for StoredAccount<'_> {
    type Fault = Fault;

    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Fault> {
        keys::find(self.step, self.user_id, key)
    }

    fn active(&self) -> Result<Option<Task>, Fault> {
        Ok(rows::active(self.step, self.user_id)?.map(|record| record.task))
    }

    fn used(&self, window: Window) -> Result<u32, Fault> {
        let pseudonym = self.step.pseudonyms.of(self.user_id);
        Ok(usage::of(self.step.connection, &pseudonym)?.used(window, self.step.now))
    }

    fn is_backlog_full(&self) -> Result<bool, Fault> {
        let sql = "SELECT pending FROM backlog";
        let pending: u32 = one(self.step.connection, sql, [], |row| row.get(0))?;
        Ok(pending >= self.max_backlog)
    }

    fn is_taken(&self, task_id: &str) -> Result<bool, Fault> {
        rows::exists(self.step, task_id)
    }
}
