//! Finds images that nothing refers to now or will ever refer to.

use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_domain::refined;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::one;

/// How long deleted tasks are remembered: far longer than a garbage collection of all
/// images takes.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Whether `?2`, a path that may lack its format, is the original or the mask of a task that
/// is not final. Masks are rare, and have no column: no other text of a document looks like
/// one, as quotes in it are escaped.
const IS_ORIGINAL: &str = "SELECT 1 FROM task \
     WHERE original_path >= ?2 AND original_path < ?2 || '/' \
     AND (original_path = ?2 OR original_path > ?2 || '.') \
     AND status IN ('pending', 'processing') \
     UNION ALL SELECT 1 FROM task WHERE status IN ('pending', 'processing') \
     AND (instr(request, '\"mask_path\":\"' || ?2 || '\"') > 0 \
         OR instr(request, '\"mask_path\":\"' || ?2 || '.') > 0)";

/// Returns those of these images that nothing refers to.
pub(super) fn unreferenced(
    connection: &Connection,
    image_paths: Vec<String>,
) -> Result<Vec<String>, Fault> {
    let mut unreferenced = Vec::new();
    for path in image_paths {
        if is_unreferenced(connection, &path)? {
            unreferenced.push(path);
        }
    }
    Ok(unreferenced)
}

pub(super) fn is_unreferenced(connection: &Connection, path: &str) -> Result<bool, Fault> {
    match refined::task_and_attempt(path) {
        Some((task_id, _)) => is_left_behind(connection, path, task_id),
        // Its name was not made by this service, so it may be all that is left of
        // something.
        None if refined::is_refined(path) => Ok(false),
        None => Ok(!is_original(connection, path)?),
    }
}

/// Remembers that a task was deleted, so that its remaining images can be removed. Images
/// of tasks that were never seen are kept: they may be all that is left after the loss of
/// a database.
pub(super) fn forget(tx: &Tx<'_>, task_id: &str) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO tombstone (task_id, deleted_at) VALUES (?, ?)";
    tx.execute(sql, params![task_id, Stored(tx.now)])?;
    let old = "DELETE FROM tombstone WHERE task_id IN \
         (SELECT task_id FROM tombstone WHERE deleted_at <= ? LIMIT ?)";
    tx.prune(old, before(tx.now, RETENTION))
}

/// A single statement, and so one snapshot: between two statements a worker could
/// complete its task, and both would miss its image.
fn is_left_behind(connection: &Connection, path: &str, task_id: &str) -> Result<bool, Fault> {
    let sql = format!(
        "SELECT EXISTS (\
             SELECT 1 FROM task WHERE id = ?1 AND completed_at IS NOT NULL \
             UNION ALL SELECT 1 FROM tombstone WHERE task_id = ?1) \
         AND NOT EXISTS (\
             SELECT 1 FROM concept WHERE task_id = ?1 \
             AND (image_path = ?2 OR substr(image_path, 1, length(?2) + 1) = ?2 || '.')) \
         AND NOT EXISTS ({IS_ORIGINAL})"
    );
    Ok(one(connection, &sql, [task_id, path], |row| row.get(0))?)
}

fn is_original(connection: &Connection, path: &str) -> Result<bool, Fault> {
    let mut found = connection.prepare_cached(&IS_ORIGINAL.replace("?2", "?1"))?;
    Ok(found.exists([path])?)
}
