//! Which images are still needed.

use concept_refinement_domain::refined;
use concept_refinement_domain::task::Status;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::rows::{COLUMNS, TaskRow};

/// Those of these images that nothing refers to.
pub(super) fn none_to(
    connection: &Connection,
    image_paths: Vec<String>,
) -> Result<Vec<String>, Fault> {
    let mut unreferenced = Vec::new();
    for path in image_paths {
        let is_needed = match refined::task_and_attempt(&path) {
            Some((task_id, attempt)) => {
                is_published(connection, task_id, &path)?
                    || is_awaited(connection, task_id, attempt, &path)?
            }
            None => is_original(connection, &path)?,
        };
        if !is_needed {
            unreferenced.push(path);
        }
    }
    Ok(unreferenced)
}

fn is_published(connection: &Connection, task_id: &str, path: &str) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM concept WHERE task_id = ? AND image_path = ?")?
        .exists([task_id, path])?)
}

/// Attempts only grow: one before the task's own was fenced out for ever, and
/// left something of use only if that is the checkpoint.
fn is_awaited(
    connection: &Connection,
    task_id: &str,
    attempt: u32,
    path: &str,
) -> Result<bool, Fault> {
    let row = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM task WHERE id = ?"))?
        .query_row([task_id], TaskRow::read)
        .optional()?;
    Ok(row.is_some_and(|row| {
        let may_come = match row.task.status {
            Status::Processing => attempt >= row.attempt,
            Status::Pending => attempt > row.attempt,
            Status::Completed | Status::Failed => return false,
        };
        may_come || row.checkpoint.as_deref() == Some(path)
    }))
}

fn is_original(connection: &Connection, path: &str) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM task \
             WHERE original_path = ? AND status IN ('pending', 'processing')",
        )?
        .exists([path])?)
}
