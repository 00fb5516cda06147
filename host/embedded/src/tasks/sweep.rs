//! Finding due tasks.

use concept_refinement_domain::lease::{LONGEST_INTERVAL, PENDING_OVERDUE, due_again};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

use super::fault::{Fault, readable};
use super::rows::{COLUMNS, maybe, read};
use super::stored::Stored;
use super::writer::Tx;
use super::{administration, webhooks};
use crate::sqlite::statements::{all, one};

/// The longest overdue first. Each returned task becomes due again later.
pub(super) fn due(tx: &Tx<'_>, limit: u32) -> Result<Vec<Task>, Fault> {
    if administration::is_paused(tx.connection)? {
        return Ok(Vec::new());
    }
    follow_clock(tx)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE due_at <= ? ORDER BY due_at, created_at, id LIMIT ?"
    );
    let parameters = params![Stored(tx.now), limit];
    let rows: Vec<(String, _)> = all(tx.connection, &sql, parameters, |row| {
        let id = row.get(0)?;
        let task = readable(&id, read(row))?;
        Ok((id, task))
    })?;
    let latest = tx.now.plus(LONGEST_INTERVAL);
    for (id, task) in &rows {
        let again = task.as_ref().map_or(latest, |task| due_again(task, tx.now));
        let sql = "UPDATE task SET due_at = ? WHERE id = ?";
        tx.execute(sql, params![Stored(again), id])?;
    }
    Ok(rows.into_iter().filter_map(|(_, task)| task).collect())
}

/// Corrects times that were written before the clock was set back, like `furthest_due`
/// of the domain.
fn follow_clock(tx: &Tx<'_>) -> Result<(), Fault> {
    const SQL: &str = "WITH late AS (SELECT id, max(?1 + coalesce(lease, 0), \
             min(max(?1 + ?1 - CASE status WHEN 'processing' THEN lease_until \
             ELSE coalesce(updated_at, created_at) END, ?2), ?3)) AS furthest \
             FROM task WHERE due_at > ?2) \
         UPDATE task SET due_at = furthest, lease_until = min(lease_until, ?1 + lease) \
         FROM late WHERE late.id = task.id AND due_at > furthest";
    let now = tx.now;
    let (soonest, latest) = (now.plus(PENDING_OVERDUE), now.plus(LONGEST_INTERVAL));
    tx.execute(SQL, [now, soonest, latest].map(Stored))
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    if administration::is_paused(connection)? {
        return Ok(None);
    }
    let sql = "SELECT min(due_at) FROM task WHERE due_at >= 0";
    Ok(one(connection, sql, [], |row| maybe(row, 0))?)
}

/// Ends all leases, and makes the processing tasks due, and those whose messages are
/// lost.
pub(super) fn recover(tx: &Tx<'_>, are_messages_lost: bool) -> Result<u32, Fault> {
    let now = Stored(tx.now);
    tx.connection.execute(
        "UPDATE task SET lease_until = min(lease_until, ?) WHERE status = 'processing'",
        [now],
    )?;
    let unfinished = tx.connection.execute(
        "UPDATE task SET due_at = iif(?2 OR status = 'processing', ?1, due_at) \
         WHERE due_at IS NOT NULL",
        params![now, are_messages_lost],
    )?;
    webhooks::recover(tx)?;
    Ok(u32::try_from(unfinished).unwrap_or(u32::MAX))
}
