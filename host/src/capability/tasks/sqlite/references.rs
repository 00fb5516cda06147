//! Which images nothing refers to, and nothing ever will.

use std::time::Duration;

use concept_refinement_domain::refined;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::rows::Stored;
use super::writer::Step;
use crate::capability::clock::before;

/// How long it is remembered that a task was forgotten: far longer than it
/// takes to look at all images.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Removed with each one that is forgotten, at most: more than one adds.
const PRUNED_AT_ONCE: u32 = 8;

/// Those of these images that nothing refers to.
pub(super) fn none_to(
    connection: &Connection,
    image_paths: Vec<String>,
) -> Result<Vec<String>, Fault> {
    let mut unreferenced = Vec::new();
    for path in image_paths {
        let is_unreferenced = match refined::task_and_attempt(&path) {
            Some((task_id, attempt)) => is_left_behind(connection, &path, task_id, attempt)?,
            // Named by somebody else, for reasons of their own.
            None if path.starts_with("refined/") => false,
            None => !is_original(connection, &path)?,
        };
        if is_unreferenced {
            unreferenced.push(path);
        }
    }
    Ok(unreferenced)
}

/// A task is not known any more, nor what it led to: whatever image of it is
/// left may go. An image of a task that was never known may be all that is left
/// after the loss of a database.
pub(super) fn forget(step: &Step<'_>, task_id: &str) -> Result<(), Fault> {
    step.connection
        .prepare_cached("INSERT OR REPLACE INTO forgotten_task (id, forgotten_at) VALUES (?, ?)")?
        .execute(params![task_id, Stored(step.now)])?;
    step.connection
        .prepare_cached(
            "DELETE FROM forgotten_task WHERE id IN \
             (SELECT id FROM forgotten_task WHERE forgotten_at <= ? LIMIT ?)",
        )?
        .execute(params![
            Stored(before(step.now, REMEMBERED)),
            PRUNED_AT_ONCE
        ])?;
    Ok(())
}

/// Attempts only grow: one before the task's own was fenced out for ever, and
/// left something of use only if that is the checkpoint.
///
/// One statement, since it sees one moment: between two of them a worker could
/// publish what the first does not find and the second awaits no longer.
fn is_left_behind(
    connection: &Connection,
    path: &str,
    task_id: &str,
    attempt: u32,
) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (\
                 SELECT 1 FROM task WHERE id = ?1 AND CASE status \
                     WHEN 'processing' THEN attempt > ?3 AND checkpoint IS NOT ?2 \
                     WHEN 'pending' THEN attempt >= ?3 AND checkpoint IS NOT ?2 \
                     ELSE TRUE END \
                 UNION ALL SELECT 1 FROM forgotten_task WHERE id = ?1) \
             AND NOT EXISTS (\
                 SELECT 1 FROM concept WHERE task_id = ?1 AND image_path = ?2) \
             AND NOT EXISTS (\
                 SELECT 1 FROM task \
                 WHERE original_path = ?2 AND status IN ('pending', 'processing'))",
        )?
        .query_row(params![task_id, path, attempt], |row| row.get(0))?)
}

fn is_original(connection: &Connection, path: &str) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM task \
             WHERE original_path = ? AND status IN ('pending', 'processing')",
        )?
        .exists([path])?)
}
