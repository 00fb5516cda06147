//! Finding due tasks.

use std::time::Duration;

use concept_refinement_domain::lease::{PENDING_OVERDUE, furthest};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::rows::{COLUMNS, read};
use super::stored::Stored;
use super::webhooks;
use super::writer::Step;

/// The longest overdue first. Each returned task becomes due again later.
pub(super) fn due(step: &Step<'_>, limit: u32, lease: Duration) -> Result<Vec<Task>, Fault> {
    follow_clock(step, lease)?;
    let tasks = step
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM task WHERE due_at <= ? ORDER BY due_at, created_at, id LIMIT ?"
        ))?
        .query_map(params![Stored(step.now), limit], read)?
        .map(|row| Ok(row?.task))
        .collect::<Result<Vec<_>, Fault>>()?;
    let mut statement = step
        .connection
        .prepare_cached("UPDATE task SET due_at = ? WHERE id = ?")?;
    for task in &tasks {
        statement.execute(params![Stored(step.now.plus(PENDING_OVERDUE)), task.id])?;
    }
    Ok(tasks)
}

/// Moves what was written before the clock was set back.
fn follow_clock(step: &Step<'_>, lease: Duration) -> Result<(), Fault> {
    let (due_at, lease_until) = furthest(lease, step.now);
    step.connection
        .prepare_cached(
            "UPDATE task SET due_at = ?1, lease_until = min(lease_until, ?2) WHERE due_at > ?1",
        )?
        .execute([Stored(due_at), Stored(lease_until)])?;
    Ok(())
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    let next: Option<Stored<_>> = connection
        .prepare_cached("SELECT min(due_at) FROM task WHERE due_at IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(|Stored(next)| next))
}

/// Ends all leases and makes all pending and processing tasks due.
pub(super) fn recover(step: &Step<'_>) -> Result<u32, Fault> {
    let now = Stored(step.now);
    step.connection.execute(
        "UPDATE task SET lease_until = min(lease_until, ?) WHERE status = 'processing'",
        [now],
    )?;
    let unfinished = step
        .connection
        .execute("UPDATE task SET due_at = ? WHERE due_at IS NOT NULL", [now])?;
    webhooks::recover(step)?;
    Ok(u32::try_from(unfinished).unwrap_or(u32::MAX))
}
