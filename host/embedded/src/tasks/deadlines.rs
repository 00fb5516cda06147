//! Deadlines by which tasks have to have begun.

use concept_refinement_domain::rulebook::{Operation, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

use super::change;
use super::fault::{Fault, is_unreadable};
use super::rows::maybe;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::{all, one};

/// Notes when a new task has to have begun, if it has a deadline.
pub(super) fn add(tx: &Tx<'_>, record: &TaskRecord) -> Result<(), Fault> {
    if let Some(deadline) = record.task.deadline() {
        let sql = "INSERT OR REPLACE INTO deadline (task_id, at) VALUES (?, ?)";
        tx.execute(sql, params![record.task.id, Stored(deadline)])?;
    }
    Ok(())
}

/// Fails those of these tasks that no worker has begun.
pub(super) fn miss(tx: &mut Tx<'_>, limit: u32) -> Result<u32, Fault> {
    let passed = "DELETE FROM deadline WHERE task_id IN \
         (SELECT task_id FROM deadline WHERE at <= ? ORDER BY at, task_id LIMIT ?) RETURNING task_id";
    let due = params![Stored(tx.now), limit];
    let passed: Vec<String> = all(tx.connection, passed, due, |row| row.get(0))?;
    for id in &passed {
        match change::apply(tx, Operation::miss_deadline(id)) {
            // It is told of wherever it is found.
            Err(Fault::Engine(error)) if is_unreadable(&error) => {}
            missed => drop(missed?),
        }
    }
    Ok(u32::try_from(passed.len()).unwrap_or(u32::MAX))
}

pub(super) fn next(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT min(at) FROM deadline WHERE at >= 0";
    Ok(one(connection, sql, [], |row| maybe(row, 0))?)
}
