//! Applies the rules of the domain: a task is read, changed in memory and saved with all
//! side effects of the change, in one step.

use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::rulebook::{Decision, Event, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;

use super::fault::Fault;
use super::writer::Step;
use super::{keys, rows, usage};

/// Applies a rule to a task. `gone` is the result if there is no such task.
pub(super) fn change<T>(
    step: &mut Step<'_>,
    id: &str,
    gone: T,
    rule: impl FnOnce(&mut TaskRecord, Timestamp) -> Decision<T>,
) -> Result<T, Fault> {
    let Some(mut record) = rows::find(step, id)? else {
        return Ok(gone);
    };
    let Decision { answer, event } = rule(&mut record, step.now);
    if let Some(event) = event {
        save(step, record, event)?;
    }
    Ok(answer)
}

fn save(step: &mut Step<'_>, mut record: TaskRecord, event: Event) -> Result<(), Fault> {
    for noted in step.hub.take_steps(&record.task.id) {
        record.steps.push(noted);
    }
    record.steps.locate(step.host);
    let task = &record.task;
    rows::update(step, &record)?;
    // A rule changes only tasks that were not final, so the task has just ended.
    if task.status.is_final() {
        step.release_room();
        if record.delivery.is_some() {
            step.announce_delivery();
        }
    }
    if let Some(refund) = record.refund(event) {
        usage::refund(step, &task.user_id, task.created_at, refund)?;
    }
    if event.undoes_submission() {
        keys::forget(step, &task.id)?;
    }
    if event.revokes_claim() {
        let id = task.id.clone();
        step.revoke(&id);
    }
    if event.is_announced() {
        let id = task.id.clone();
        step.announce(&id, Update::of(record));
    }
    Ok(())
}
