//! When the sessions of anonymous users with data end.

use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;

pub(super) fn renew(
    tx: &Tx<'_>,
    user_id: &str,
    until: Timestamp,
    owns_images: bool,
) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO session (user_id, until) SELECT ?1, ?2 \
         WHERE ?3 OR EXISTS (SELECT 1 FROM task WHERE user_id = ?1) \
         OR EXISTS (SELECT 1 FROM concept WHERE user_id = ?1) \
         ON CONFLICT (user_id) DO UPDATE SET until = max(until, excluded.until)",
        params![user_id, Stored(until), owns_images],
    )
}

pub(super) fn without(
    connection: &Connection,
    users: Vec<String>,
    before: Timestamp,
) -> Result<Vec<String>, Fault> {
    let mut lasts =
        connection.prepare_cached("SELECT 1 FROM session WHERE user_id = ? AND until >= ?")?;
    let mut without = Vec::new();
    for user in users {
        if !lasts.exists(params![user, Stored(before)])? {
            without.push(user);
        }
    }
    Ok(without)
}

/// Removes sessions that ended before this time, as they no longer protect any data.
pub(super) fn forget(tx: &Tx<'_>, before: Timestamp, limit: u32) -> Result<(), Fault> {
    let sql = "DELETE FROM session WHERE user_id IN \
         (SELECT user_id FROM session WHERE until < ? ORDER BY until LIMIT ?)";
    tx.execute(sql, params![Stored(before), limit])
}
