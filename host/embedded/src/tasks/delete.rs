//! Deleting a task.

use concept_refinement_capability::tasks::hub::Update;

use super::fault::Fault;
use super::writer::Tx;
use super::{ledger, references, rows};
use crate::sqlite::statements::find;

/// If a user is given, only that user's. False: no such task.
pub(super) fn delete(tx: &mut Tx<'_>, id: &str, user_id: Option<&str>) -> Result<bool, Fault> {
    let sql = format!(
        "DELETE FROM task WHERE id = ?1 AND user_id = coalesce(?2, user_id) RETURNING {}",
        rows::COLUMNS
    );
    let deleted = find(tx.connection, &sql, (id, user_id), rows::read_active)?;
    let Some(active) = deleted else {
        return Ok(false);
    };
    if let Some(record) = active {
        tx.effects.ended += 1;
        ledger::settle(tx, &record)?;
    }
    references::forget(tx, id)?;
    tx.effects.updates.push((id.to_owned(), Update::Deleted));
    Ok(true)
}
