//! Forgetting what is old.

use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::params;

use super::super::Expired;
use super::fault::Fault;
use super::rows::Stored;
use super::writer::Step;

/// A concept goes by its own age, since its task may have been deleted. In
/// between a task may stay that has lost its image: it is the next to go.
pub(super) fn expire(step: &mut Step<'_>, before: Timestamp, limit: u32) -> Result<Expired, Fault> {
    let image_paths = step
        .connection
        .prepare_cached(
            "DELETE FROM concept WHERE id IN (SELECT id FROM concept \
             WHERE created_at < ? ORDER BY created_at LIMIT ?) RETURNING image_path",
        )?
        .query_map(params![Stored(before), limit], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    let tasks = step
        .connection
        .prepare_cached(
            "DELETE FROM task WHERE id IN (SELECT id FROM task \
             WHERE completed_at < ? ORDER BY completed_at LIMIT ?)",
        )?
        .execute(params![Stored(before), limit])?;
    Ok(Expired {
        tasks: u32::try_from(tasks).unwrap_or(u32::MAX),
        concepts: u32::try_from(image_paths.len()).unwrap_or(u32::MAX),
        image_paths,
    })
}
