//! Submitting a task.

use concept_refinement_domain::capability::{NewTask, Submission};
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::quota::{Usage, Window};
use concept_refinement_domain::rulebook::{self, Account, ActiveTasks, Decision};
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::timestamp::Timestamp;

use super::fault::Fault;
use super::writer::Tx;
use super::{keys, ledger, reads, rows, usage};
use crate::sqlite::statements::one;

pub(super) fn submit(tx: &mut Tx<'_>, new_task: NewTask) -> Result<Submission, Fault> {
    let user_id = new_task.user_id.clone();
    let account = StoredAccount {
        tx,
        user_id: &user_id,
    };
    let Decision { answer, effects } = rulebook::submit(&account, new_task, tx.now)?;
    if let Some(mut creation) = effects {
        tx.effects.promise_room()?;
        if let Some(key) = &creation.idempotency_key {
            keys::remember(tx, &user_id, key, &creation.submitted())?;
        }
        creation.record.steps.locate(&tx.options.host);
        rows::insert(tx, &creation.record)?;
        usage::save(tx, &user_id, &creation.usage)?;
        ledger::reserve(tx, &creation.record)?;
    }
    Ok(answer)
}

/// The state of a user in the tables.
struct StoredAccount<'a> {
    tx: &'a Tx<'a>,
    user_id: &'a str,
}

impl Account for StoredAccount<'_> {
    type Fault = Fault;

    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Fault> {
        keys::find(self.tx, self.user_id, key)
    }

    fn active(&self) -> Result<Option<ActiveTasks>, Fault> {
        reads::active(self.tx.connection, self.user_id)
    }

    fn usage(&self) -> Result<Usage, Fault> {
        let pseudonym = self.tx.options.pseudonyms.of(self.user_id);
        usage::of(self.tx.connection, &pseudonym)
    }

    fn spending(&self, window: Window, now: Timestamp) -> Result<Spending, Fault> {
        let pseudonym = self.tx.options.pseudonyms.of(self.user_id);
        ledger::within(self.tx.connection, &pseudonym, window, now)
    }

    fn is_backlog_full(&self) -> Result<bool, Fault> {
        let sql = "SELECT pending FROM backlog";
        let pending: u32 = one(self.tx.connection, sql, [], |row| row.get(0))?;
        Ok(pending >= self.tx.options.max_backlog)
    }

    fn is_taken(&self, task_id: &str) -> Result<bool, Fault> {
        rows::exists(self.tx, task_id)
    }
}
