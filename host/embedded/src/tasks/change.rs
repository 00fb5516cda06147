//! Applies the rules of the domain: a task is read, changed in memory and saved with all
//! side effects of the change, in one step.

use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::rulebook::{Decision, Event, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;

use super::fault::Fault;
use super::writer::Tx;
use super::{keys, rows, usage};

/// Applies a rule to a task. `gone` is the result if there is no such task.
pub(super) fn change<T>(
    tx: &mut Tx<'_>,
    id: &str,
    gone: T,
    rule: impl FnOnce(&mut TaskRecord, Timestamp) -> Decision<T>,
) -> Result<T, Fault> {
    let Some(mut record) = rows::find(tx, id)? else {
        return Ok(gone);
    };
    let Decision { answer, event } = rule(&mut record, tx.now);
    if let Some(event) = event {
        save(tx, record, event)?;
    }
    Ok(answer)
}

fn save(tx: &mut Tx<'_>, mut record: TaskRecord, event: Event) -> Result<(), Fault> {
    for noted in tx.hub.take_steps(&record.task.id) {
        record.steps.push(noted);
    }
    record.steps.locate(tx.host);
    let task = &record.task;
    rows::update(tx, &record)?;
    // A rule changes only tasks that were not final, so the task has just ended.
    if task.status.is_final() {
        tx.release_room();
        if record.delivery.is_some() {
            tx.announce_delivery();
        }
    }
    if let Some(refund) = record.refund(event) {
        usage::refund(tx, &task.user_id, task.created_at, refund)?;
    }
    if event.undoes_submission() {
        keys::forget(tx, &task.id)?;
    }
    if event.revokes_claim() {
        let id = task.id.clone();
        tx.revoke(&id);
    }
    if event.is_announced() {
        let id = task.id.clone();
        tx.announce(&id, Update::of(record));
    }
    Ok(())
}
