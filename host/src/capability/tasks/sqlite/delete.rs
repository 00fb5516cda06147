//! Deleting a task.

use super::fault::Fault;
use super::references;
use super::watch::Update;
use super::writer::Step;

/// Its worker, if any, finds its lease lost. Quota is not given back, and a
/// repeat under its idempotency key is still answered.
pub(super) fn delete(step: &mut Step<'_>, user_id: &str, id: &str) -> Result<bool, Fault> {
    let deleted = step
        .connection
        .prepare_cached("DELETE FROM task WHERE id = ? AND user_id = ?")?
        .execute([id, user_id])?;
    if deleted == 0 {
        return Ok(false);
    }
    references::forget(step, id)?;
    step.announce(id, Update::Deleted);
    Ok(true)
}
