//! Whose task is claimed next: that of the user who had one claimed longest ago.

use concept_refinement_capability::clock::before;
use concept_refinement_domain::lease::CLAIM_REMEMBERED;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::all;

/// Notes that a task of the user was claimed, in the step that claims it.
pub(super) fn claimed(tx: &Tx<'_>, user_id: &str) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO last_claim (user_id, claimed_at) VALUES (?, ?)";
    tx.execute(sql, params![user_id, Stored(tx.now)])?;
    let outdated = "DELETE FROM last_claim WHERE user_id IN \
         (SELECT user_id FROM last_claim WHERE claimed_at <= ? LIMIT ?)";
    tx.prune(outdated, before(tx.now, CLAIM_REMEMBERED))
}

/// The ids of pending tasks in the order in which they are claimed. In each round every user
/// who waits has one claimed, so users keep their order from the first round on.
///
/// The index of what has not ended is named, since SQLite would read all tasks there are in the
/// order of their users.
pub(super) fn pending(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<String>, Fault> {
    const SQL: &str = "SELECT id FROM (SELECT id, user_id, \
             row_number() OVER of_user AS round, \
             first_value(created_at) OVER of_user AS since, \
             max(coalesce(claimed_at, 0), ?1) AS last_claim \
             FROM task INDEXED BY task_due LEFT JOIN last_claim USING (user_id) \
             WHERE due_at IS NOT NULL AND status = 'pending' \
             WINDOW of_user AS (PARTITION BY user_id ORDER BY created_at, id)) \
         ORDER BY round, last_claim, since, user_id LIMIT ?2";
    let forgotten = Stored(before(now, CLAIM_REMEMBERED));
    let ids = all(connection, SQL, params![forgotten, limit], |row| row.get(0))?;
    Ok(ids)
}

/// The users who had a task claimed last, at most `limit`, the latest at the end. One whose
/// task was begun and has not ended, as an earlier process left it, has not been served.
pub(super) fn users(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT user_id FROM last_claim WHERE user_id NOT IN \
         (SELECT user_id FROM task WHERE due_at IS NOT NULL AND updated_at IS NOT NULL) \
         ORDER BY claimed_at DESC LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut users: Vec<_> = all(connection, sql, [limit], |row| row.get(0))?;
    users.reverse();
    Ok(users)
}
