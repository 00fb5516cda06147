//! Idempotency keys: what answers a repeated submission as the first one was.

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::idempotency::{REMEMBERED, fingerprint};
use concept_refinement_domain::task::Task;
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::rows::Stored;
use super::writer::Step;
use crate::capability::clock::before;

/// Removed with each new key, at most: more than one is added.
const PRUNED_AT_ONCE: u32 = 8;

pub(super) enum Earlier {
    /// Another refinement was submitted under the key.
    Different,
    /// The same one was: the task as it was when it was created.
    Same(Box<Task>),
}

/// What was submitted under the key within the time that it is remembered.
pub(super) fn find(
    step: &Step<'_>,
    new_task: &NewTask,
    key: &str,
) -> Result<Option<Earlier>, Fault> {
    let oldest = Stored(before(step.now, REMEMBERED));
    let earlier = step
        .connection
        .prepare_cached(
            "SELECT fingerprint, task_id, is_anonymous, original_path, created_at \
             FROM idempotency_key WHERE user_id = ? AND key = ? AND created_at > ?",
        )?
        .query_row(params![new_task.user_id, key, oldest], |row| {
            let known: Vec<u8> = row.get("fingerprint")?;
            if known != fingerprint(&new_task.refinement) {
                return Ok(Earlier::Different);
            }
            let Stored(created_at) = row.get("created_at")?;
            let task = NewTask {
                id: row.get("task_id")?,
                is_anonymous: row.get("is_anonymous")?,
                original_path: row.get("original_path")?,
                ..new_task.clone()
            };
            Ok(Earlier::Same(Box::new(task.created(created_at))))
        })
        .optional()?;
    Ok(earlier)
}

pub(super) fn remember(step: &Step<'_>, task: &Task, key: &str) -> Result<(), Fault> {
    // One that is no longer remembered may still be there.
    step.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency_key \
             (user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            task.user_id,
            key,
            fingerprint(&task.refinement),
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
        .execute(params![oldest, PRUNED_AT_ONCE])?;
    Ok(())
}
