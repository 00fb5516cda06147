//! Deleting a task.

use concept_refinement_domain::capability::Deleted;
use concept_refinement_domain::rulebook;

use super::fault::Fault;
use super::watch::Update;
use super::writer::Step;
use super::{concepts, references, rows};

/// Its worker, if any, finds its lease lost. Quota is not given back, and a
/// repeat under its idempotency key is still answered.
pub(super) fn delete(
    step: &mut Step<'_>,
    user_id: &str,
    id: &str,
) -> Result<Option<Deleted>, Fault> {
    let record = rows::find(step, id)?;
    let Some(deleted) = record.and_then(|record| rulebook::delete(&record, user_id)) else {
        return Ok(None);
    };
    step.connection
        .prepare_cached("DELETE FROM task WHERE id = ?")?
        .execute([id])?;
    concepts::drop_prepared(step, id)?;
    references::forget(step, id)?;
    step.announce(id, Update::Deleted);
    Ok(Some(deleted))
}
