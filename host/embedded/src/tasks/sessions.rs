//! Until when anonymous users have sessions who own something.

use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;

pub(super) fn renew(
    step: &Step<'_>,
    user_id: &str,
    until: Timestamp,
    owns_images: bool,
) -> Result<(), Fault> {
    step.connection
        .prepare_cached(
            "INSERT INTO session (user_id, until) SELECT ?1, ?2 \
             WHERE ?3 OR EXISTS (SELECT 1 FROM task WHERE user_id = ?1) \
             OR EXISTS (SELECT 1 FROM concept WHERE user_id = ?1) \
             ON CONFLICT (user_id) DO UPDATE SET until = max(until, excluded.until)",
        )?
        .execute(params![user_id, Stored(until), owns_images])?;
    Ok(())
}

pub(super) fn without(
    connection: &Connection,
    mut users: Vec<String>,
    before: Timestamp,
) -> Result<Vec<String>, Fault> {
    let mut lasts =
        connection.prepare_cached("SELECT 1 FROM session WHERE user_id = ? AND until >= ?")?;
    let mut failed = None;
    users.retain(|user| match lasts.exists(params![user, Stored(before)]) {
        Ok(lasts) => !lasts,
        Err(error) => {
            failed = Some(error);
            false
        }
    });
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(users),
    }
}

/// Sessions that ended before then protect nothing any longer.
pub(super) fn forget(step: &Step<'_>, before: Timestamp, limit: u32) -> Result<(), Fault> {
    step.connection
        .prepare_cached(
            "DELETE FROM session WHERE user_id IN \
             (SELECT user_id FROM session WHERE until < ? ORDER BY until LIMIT ?)",
        )?
        .execute(params![Stored(before), limit])?;
    Ok(())
}
