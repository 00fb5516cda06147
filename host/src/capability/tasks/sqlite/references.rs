//! Which images are still needed.

use concept_refinement_domain::refined;
use rusqlite::{Connection, params};

use super::fault::Fault;

/// Those of these images that nothing refers to.
pub(super) fn none_to(
    connection: &Connection,
    image_paths: Vec<String>,
) -> Result<Vec<String>, Fault> {
    let mut unreferenced = Vec::new();
    for path in image_paths {
        let is_needed = match refined::task_and_attempt(&path) {
            Some((task_id, attempt)) => is_result(connection, &path, task_id, attempt)?,
            // Named by somebody else, for reasons of their own.
            None if path.starts_with("refined/") => true,
            None => is_original(connection, &path)?,
        };
        if !is_needed {
            unreferenced.push(path);
        }
    }
    Ok(unreferenced)
}

/// Attempts only grow: one before the task's own was fenced out for ever, and
/// left something of use only if that is the checkpoint.
///
/// One statement, since it sees one moment: between two of them a worker could
/// publish what the first does not find and the second awaits no longer.
fn is_result(
    connection: &Connection,
    path: &str,
    task_id: &str,
    attempt: u32,
) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM concept WHERE task_id = ?1 AND image_path = ?2 \
             UNION ALL \
             SELECT 1 FROM task WHERE id = ?1 AND CASE status \
                 WHEN 'processing' THEN attempt <= ?3 OR checkpoint IS ?2 \
                 WHEN 'pending' THEN attempt < ?3 OR checkpoint IS ?2 \
                 ELSE FALSE END",
        )?
        .exists(params![task_id, path, attempt])?)
}

fn is_original(connection: &Connection, path: &str) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM task \
             WHERE original_path = ? AND status IN ('pending', 'processing')",
        )?
        .exists([path])?)
}
