//! Deleting a task.

use concept_refinement_capability::tasks::hub::Update;

use super::fault::Fault;
use super::references;
use super::writer::Tx;
use crate::sqlite::statements::find;

/// The task's worker, if any, loses its lease. Quota is not given back, and a repeat
/// under the idempotency key still gets the first answer.
pub(super) fn delete(tx: &mut Tx<'_>, user_id: &str, id: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM task WHERE id = ? AND user_id = ? RETURNING completed_at IS NULL";
    let deleted = find(tx.connection, sql, [id, user_id], |row| row.get(0))?;
    let Some(was_active) = deleted else {
        return Ok(false);
    };
    if was_active {
        tx.release_room();
    }
    references::forget(tx, id)?;
    tx.announce(id, Update::Deleted);
    Ok(true)
}
