//! Submitting a task.

use concept_refinement_domain::capability::{NewTask, Submission};
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::{self, Account, ActiveTasks, TaskRecord};

use super::fault::Fault;
use super::writer::Tx;
use super::{keys, reads, rows, usage};
use crate::sqlite::statements::one;

pub(super) fn submit(
    tx: &mut Tx<'_>,
    new_task: NewTask,
    max_backlog: u32,
) -> Result<Submission, Fault> {
    let user_id = new_task.user_id.clone();
    let key = new_task.idempotency_key.clone();
    let webhook = new_task.webhook.clone();
    let (quota, trace) = (new_task.quota, new_task.trace);
    let account = StoredAccount {
        tx,
        user_id: &user_id,
        max_backlog,
    };
    let submission = rulebook::submit(&account, new_task, tx.now)?;
    if let Submission::Created(accepted) = &submission {
        tx.promise_room()?;
        if let Some(key) = &key {
            keys::remember(tx, &accepted.task, webhook.as_ref(), key)?;
        }
        let mut record = TaskRecord::new(accepted.task.clone(), webhook);
        record.trace = trace;
        record.steps.locate(tx.host);
        rows::insert(tx, &record)?;
        usage::count(tx, &user_id, quota)?;
    }
    Ok(submission)
}

/// The state of a user in the tables.
struct StoredAccount<'a> {
    tx: &'a Tx<'a>,
    user_id: &'a str,
    max_backlog: u32,
}

impl Account for StoredAccount<'_> {
    type Fault = Fault;

    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Fault> {
        keys::find(self.tx, self.user_id, key)
    }

    fn active(&self) -> Result<Option<ActiveTasks>, Fault> {
        reads::active(self.tx.connection, self.user_id)
    }

    fn used(&self, window: Window) -> Result<u32, Fault> {
        let pseudonym = self.tx.pseudonyms.of(self.user_id);
        Ok(usage::of(self.tx.connection, &pseudonym)?.used(window, self.tx.now))
    }

    fn is_backlog_full(&self) -> Result<bool, Fault> {
        let sql = "SELECT pending FROM backlog";
        let pending: u32 = one(self.tx.connection, sql, [], |row| row.get(0))?;
        Ok(pending >= self.max_backlog)
    }

    fn is_taken(&self, task_id: &str) -> Result<bool, Fault> {
        rows::exists(self.tx, task_id)
    }
}
