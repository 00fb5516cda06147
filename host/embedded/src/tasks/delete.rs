//! Deleting a task.

use concept_refinement_capability::tasks::hub::Update;
use rusqlite::OptionalExtension as _;

use super::fault::Fault;
use super::references;
use super::writer::Step;

/// Its worker, if any, finds its lease lost. Quota is not given back, and a
/// repeat under its idempotency key is still answered.
pub(super) fn delete(step: &mut Step<'_>, user_id: &str, id: &str) -> Result<bool, Fault> {
    let was_active = step
        .connection
        .prepare_cached(
            "DELETE FROM task WHERE id = ? AND user_id = ? RETURNING completed_at IS NULL",
        )?
        .query_row([id, user_id], |row| row.get(0))
        .optional()?;
    let Some(was_active) = was_active else {
        return Ok(false);
    };
    if was_active {
        step.release_room();
    }
    references::forget(step, id)?;
    step.announce(id, Update::Deleted);
    Ok(true)
}
