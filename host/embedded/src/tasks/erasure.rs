//! Erasing a user, some rows at a time.

use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::capability::Erased;
use concept_refinement_domain::rulebook::TaskRecord;
use rusqlite::params;

use super::fault::Fault;
use super::writer::Tx;
use super::{ledger, references, rows};
use crate::sqlite::statements::all;

/// The user's account and sums stay, under its pseudonym. The active task is removed first,
/// so that its worker stops at once.
pub(super) fn erase(tx: &mut Tx<'_>, user_id: &str, limit: u32) -> Result<Erased, Fault> {
    let active = format!(
        "DELETE FROM task WHERE user_id = ? AND status IN ('pending', 'processing') RETURNING {}",
        rows::COLUMNS
    );
    let active: Vec<TaskRecord> = all(tx.connection, &active, [user_id], rows::read)?;
    for record in &active {
        tx.effects.ended += 1;
        ledger::settle(tx, record)?;
        let id = record.task.id.clone();
        tx.effects.updates.push((id, Update::Deleted));
    }
    ledger::forget_user(tx, user_id)?;
    let of_user = params![user_id, limit];
    let ended = "DELETE FROM task WHERE id IN (SELECT id FROM task WHERE user_id = ? LIMIT ?) \
         RETURNING id";
    let ended: Vec<String> = all(tx.connection, ended, of_user, |row| row.get(0))?;
    let concepts = "DELETE FROM concept WHERE id IN \
         (SELECT id FROM concept WHERE user_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) \
         RETURNING image_path, task_id";
    let concepts: Vec<(String, String)> = all(tx.connection, concepts, of_user, |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let keys = "DELETE FROM idempotency_key WHERE (user_id, key) IN \
         (SELECT user_id, key FROM idempotency_key WHERE user_id = ? LIMIT ?)";
    let keys = tx.run(keys, of_user)?;
    tx.execute("DELETE FROM session WHERE user_id = ?", [user_id])?;
    tx.execute("DELETE FROM last_claim WHERE user_id = ?", [user_id])?;

    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = [ended.len(), concepts.len(), keys].contains(&limit);
    let of_concepts = concepts.iter().map(|(_, task_id)| task_id);
    let active = active.iter().map(|record| &record.task.id);
    for task_id in active.chain(&ended).chain(of_concepts) {
        references::forget(tx, task_id)?;
    }
    Ok(Erased {
        image_paths: concepts.into_iter().map(|(path, _)| path).collect(),
        has_more,
    })
}
