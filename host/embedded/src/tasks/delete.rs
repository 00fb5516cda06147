//! Deleting a task.

use concept_refinement_capability::tasks::hub::Update;

use super::fault::Fault;
use super::references;
use super::writer::Tx;
use crate::sqlite::statements::find;

/// If a user is given, only that user's. False: no such task.
pub(super) fn delete(tx: &mut Tx<'_>, id: &str, user_id: Option<&str>) -> Result<bool, Fault> {
    let sql = "DELETE FROM task WHERE id = ?1 AND user_id = coalesce(?2, user_id) \
         RETURNING completed_at IS NULL";
    let deleted = find(tx.connection, sql, (id, user_id), |row| row.get(0))?;
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
