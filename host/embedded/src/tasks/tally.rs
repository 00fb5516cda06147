//! Counts tasks using indexes only, since there may be millions of finished
//! ones.

use concept_refinement_capability::tasks::Tally;
use rusqlite::Connection;

use super::fault::Fault;
use super::rows::maybe;
use crate::sqlite::statements::one;

/// How many tasks are not final.
pub(super) fn active(connection: &Connection) -> rusqlite::Result<u64> {
    let query = "SELECT count(*) FROM task WHERE due_at IS NOT NULL";
    connection.query_row(query, [], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
}

pub(super) fn count(connection: &Connection) -> Result<Tally, Fault> {
    // A single statement, and so one snapshot.
    const SQL: &str = "SELECT (SELECT pending FROM backlog), \
         (SELECT count(*) FROM task WHERE due_at IS NOT NULL), \
         (SELECT count(*) FROM task WHERE completed_at IS NOT NULL), \
         (SELECT count(*) FROM task WHERE status = 'failed'), \
         (SELECT max(0, min(created_at)) FROM task \
             WHERE due_at IS NOT NULL AND status = 'pending')";
    let tally = one(connection, SQL, [], |row| {
        let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        let (pending, unfinished) = (number(0)?, number(1)?);
        let (finished, failed) = (number(2)?, number(3)?);
        Ok(Tally {
            pending,
            processing: unfinished.saturating_sub(pending),
            completed: finished.saturating_sub(failed),
            failed,
            oldest_pending: maybe(row, 4)?,
            ..Tally::default()
        })
    });
    Ok(tally?)
}
