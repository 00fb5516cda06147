//! Idempotency keys: a repeated submission gets the first answer.

use concept_refinement_capability::clock::before;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::idempotency::{REMEMBERED, Submitted, fingerprint};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::webhook::Webhook;
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;

/// Expired keys removed per new key; more than one, so that they do not pile
/// up.
const PRUNE_BATCH: u32 = 8;

/// What was submitted under the key, however long ago.
pub(super) fn find(step: &Step<'_>, user_id: &str, key: &str) -> Result<Option<Submitted>, Fault> {
    let submitted = step
        .connection
        .prepare_cached(
            "SELECT fingerprint, task_id, is_anonymous, original_path, created_at \
             FROM idempotency_key WHERE user_id = ? AND key = ?",
        )?
        .query_row([user_id, key], |row| {
            let fingerprint: Vec<u8> = row.get("fingerprint")?;
            Ok(Submitted {
                fingerprint: hex(&fingerprint),
                task_id: row.get("task_id")?,
                is_anonymous: row.get("is_anonymous")?,
                original_path: row.get("original_path")?,
                created_at: row.get::<_, Stored<_>>("created_at")?.0,
            })
        })
        .optional()?;
    Ok(submitted)
}

pub(super) fn remember(
    step: &Step<'_>,
    task: &Task,
    webhook: Option<&Webhook>,
    key: &str,
) -> Result<(), Fault> {
    // Replaces an expired key that was not removed yet.
    step.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency_key \
             (user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            task.user_id,
            key,
            fingerprint(&task.refinement, webhook),
            task.id,
            task.is_anonymous,
            task.original_path,
            Stored(task.created_at),
        ])?;
    prune(step)
}

pub(super) fn forget(step: &Step<'_>, task_id: &str) -> Result<(), Fault> {
    step.connection
        .prepare_cached("DELETE FROM idempotency_key WHERE task_id = ?")?
        .execute([task_id])?;
    Ok(())
}

fn prune(step: &Step<'_>) -> Result<(), Fault> {
    let oldest = Stored(before(step.now, REMEMBERED));
    step.connection
        .prepare_cached(
            "DELETE FROM idempotency_key WHERE (user_id, key) IN \
             (SELECT user_id, key FROM idempotency_key WHERE created_at <= ? LIMIT ?)",
        )?
        .execute(params![oldest, PRUNE_BATCH])?;
    Ok(())
}
