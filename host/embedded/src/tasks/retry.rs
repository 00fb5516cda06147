//! Submitting a failed task again.

use concept_refinement_domain::rulebook::{self, Choice, Others, Retry, TaskRecord};
use concept_refinement_domain::step::MAX_STEPS;
use rusqlite::params;

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use super::{ledger, reads, rows};
use crate::sqlite::statements::one;

/// None: no such task.
pub(super) fn retry(
    tx: &mut Tx<'_>,
    id: &str,
    choice: Choice,
    new_id: String,
) -> Result<Option<Retry>, Fault> {
    let Some(mut record) = rows::find(tx, id)? else {
        return Ok(None);
    };
    let others = others(tx, &record)?;
    let mut retry = rulebook::retry(&mut record, choice, &others, new_id, tx.now);
    if let Retry::Created(created) = &mut retry {
        tx.effects.promise_room()?;
        created.steps.locate(&tx.options.host);
        rows::insert(tx, created)?;
        ledger::reserve(tx, created)?;
        rows::update(tx, &record)?;
    }
    Ok(Some(retry))
}

fn others(tx: &Tx<'_>, record: &TaskRecord) -> Result<Others, Fault> {
    let task = &record.task;
    let mut retries = Vec::new();
    let mut ids = record.retries();
    while let Some(id) = ids.pop().filter(|_| retries.len() < MAX_STEPS) {
        let retry = rows::find(tx, &id)?;
        ids.extend(retry.iter().flat_map(TaskRecord::retries));
        retries.push(retry.map(|retry| retry.task.status));
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM task WHERE user_id = ? AND status = 'completed' \
         AND (created_at, id) > (?, ?))";
    let place = params![task.user_id, Stored(task.created_at), task.id];
    Ok(Others {
        has_active: reads::active(tx.connection, &task.user_id)?.is_some(),
        retries,
        has_later_completed: one(tx.connection, sql, place, |row| row.get(0))?,
    })
}
