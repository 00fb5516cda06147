//! What a worker leaves behind, and how its task ends.

use crate::capability::{Fenced, Lease};
use crate::concept::{NewConcept, id_for};
use crate::timestamp::Timestamp;

use super::{Decision, Event, Refusal, TaskRecord};

/// Stores the path of the refined image, so that another worker can continue
/// from it.
pub fn checkpoint(record: &mut TaskRecord, held: &Lease, image_path: &str) -> Decision<Fenced> {
    if !record.is_held_by(held) {
        return Decision::unchanged(Fenced::Lost);
    }
    record.checkpoint = Some(image_path.to_owned());
    Decision::changed(Event::Checkpoint, Fenced::Done)
}

/// The id under which the concept is prepared. One a task: it replaces what was
/// prepared before. None: the lease is lost.
pub fn put_concept(
    record: &TaskRecord,
    held: &Lease,
    concept: &NewConcept,
) -> Result<Option<String>, Refusal> {
    if !record.is_held_by(held) {
        return Ok(None);
    }
    if !concept.is_of(&record.task.id, &record.task.user_id) {
        return Err(Refusal::OtherConcept);
    }
    Ok(Some(id_for(&record.task.id)))
}

/// Completes the task with the concept that is prepared, which becomes visible
/// in the same step, as of the same moment. `publish`, asked only where the
/// lease holds, answers whether there is one; the path of its image is the
/// backend's to add.
pub fn complete<E: From<Refusal>>(
    record: &mut TaskRecord,
    held: &Lease,
    result_id: &str,
    now: Timestamp,
    publish: impl FnOnce() -> Result<bool, E>,
) -> Result<Decision<Fenced>, E> {
    if !record.is_held_by(held) {
        return Ok(Decision::unchanged(Fenced::Lost));
    }
    if result_id != id_for(&record.task.id) || !publish()? {
        return Err(Refusal::NotPrepared.into());
    }
    record.enter(Event::Complete, now);
    record.task.result_id = Some(result_id.to_owned());
    Ok(Decision::changed(Event::Complete, Fenced::Done))
}

/// Fails the task with a whole sentence.
pub fn fail(
    record: &mut TaskRecord,
    held: &Lease,
    error_message: &str,
    now: Timestamp,
) -> Decision<Fenced> {
    if record.is_held_by(held) && record.enter_failure(Event::Fail, error_message, now) {
        Decision::changed(Event::Fail, Fenced::Done)
    } else {
        Decision::unchanged(Fenced::Lost)
    }
}
