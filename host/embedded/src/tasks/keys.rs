//! Idempotency keys: a repeated submission gets the answer of the first one.

use concept_refinement_capability::clock::before;
use concept_refinement_domain::idempotency::{REMEMBERED, Submitted};
use rusqlite::params;

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements;

/// The submission under this key, regardless of its age.
pub(super) fn find(tx: &Tx<'_>, user_id: &str, key: &str) -> Result<Option<Submitted>, Fault> {
    let sql = "SELECT fingerprint, task_id, is_anonymous, original_path, created_at \
         FROM idempotency_key WHERE user_id = ? AND key = ?";
    let submitted = statements::find(tx.connection, sql, [user_id, key], |row| {
        Ok(Submitted {
            fingerprint: row.get("fingerprint")?,
            task_id: row.get("task_id")?,
            is_anonymous: row.get("is_anonymous")?,
            original_path: row.get("original_path")?,
            created_at: row.get::<_, Stored<_>>("created_at")?.0,
        })
    });
    Ok(submitted?)
}

pub(super) fn remember(
    tx: &Tx<'_>,
    user_id: &str,
    key: &str,
    submitted: &Submitted,
) -> Result<(), Fault> {
    // Replaces an expired key that was not removed yet.
    tx.execute(
        "INSERT OR REPLACE INTO idempotency_key \
         (user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            user_id,
            key,
            submitted.fingerprint,
            submitted.task_id,
            submitted.is_anonymous,
            submitted.original_path,
            Stored(submitted.created_at),
        ],
    )?;
    let expired = "DELETE FROM idempotency_key WHERE (user_id, key) IN \
         (SELECT user_id, key FROM idempotency_key WHERE created_at <= ? LIMIT ?)";
    tx.prune(expired, before(tx.now, REMEMBERED))
}

pub(super) fn forget(tx: &Tx<'_>, task_id: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM idempotency_key WHERE task_id = ?";
    tx.execute(sql, [task_id])
}
