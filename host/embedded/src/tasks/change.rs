//! Applies operations: a task is read, changed in memory and saved with all effects of the
//! change, in one step.

use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::rulebook::{Decision, Effects, Operation, TaskRecord};
use concept_refinement_domain::task::Status;

use super::fault::Fault;
use super::writer::Tx;
use super::{administration, claim_order, concepts, keys, ledger, rows, usage};

/// The answer, and whether anything has changed.
pub(super) fn apply<T>(tx: &mut Tx<'_>, operation: Operation<T>) -> Result<(T, bool), Fault> {
    let is_claim = operation.is_claim;
    if is_claim && administration::is_paused(tx.connection)? {
        return Ok((operation.gone, false));
    }
    let Some(mut record) = rows::find(tx, &operation.task_id)? else {
        return Ok((operation.gone, false));
    };
    let Decision { answer, effects } = operation.decide(&mut record, tx.now);
    let is_changed = effects.is_some();
    if let Some(effects) = effects {
        if is_claim && record.task.status == Status::Processing {
            claim_order::claimed(tx, &record.task.user_id)?;
        }
        save(tx, record, effects)?;
    }
    Ok((answer, is_changed))
}

fn save(tx: &mut Tx<'_>, mut record: TaskRecord, effects: Effects) -> Result<(), Fault> {
    let noted = tx.effects.take_steps(&record.task.id);
    record.tell(noted, &tx.options.host);
    rows::update(tx, &record)?;
    let task = &record.task;
    if let Some(concept) = &effects.concept {
        concepts::insert(tx, concept)?;
    }
    if let Some(refund) = effects.refund {
        usage::refund(tx, &task.user_id, task.created_at, refund)?;
    }
    ledger::book(tx, task, &effects.bookings)?;
    if effects.forgets_key {
        keys::forget(tx, &task.id)?;
    }
    tx.effects.ended += u64::from(effects.has_ended);
    tx.effects.has_delivery |= effects.has_delivery;
    if effects.revokes_claim {
        tx.effects.revoked.push(task.id.clone());
    }
    if effects.is_announced {
        let id = task.id.clone();
        tx.effects.updates.push((id, Update::of(record)));
    }
    Ok(())
}
