//! Completes and fails tasks.

use crate::capability::{Fenced, Finished, Lease, RefinedImage, TaskFailure};
use crate::concept::Concept;
use crate::note::MAX_NOTES;
use crate::task::FailureCause;
use crate::timestamp::Timestamp;

use super::{Decision, Effects, Event, TaskRecord};

/// Completes the task with a concept of its refined image. If the lease is lost, [`late`]
/// decides about the image.
pub fn finish(
    record: &mut TaskRecord,
    held: &Lease,
    mut image: RefinedImage,
    now: Timestamp,
) -> Decision<Fenced> {
    if !record.is_held_by(held) {
        return Decision::unchanged(Fenced::Lost);
    }
    // A completed task is never continued, so of its payment state a note is left, and what
    // it cost. This comes before `enter`, which sums up the cost, and needs no way back: a held
    // task is processing, which can always be completed.
    let note = record.payment.note();
    record.payment = record.payment.completed();
    if !record.enter(Event::Complete, now) {
        return Decision::unchanged(Fenced::Lost);
    }
    if let Some(note) = note {
        image.notes.insert(0, note);
        image.notes.truncate(MAX_NOTES);
    }
    let concept = Concept::of(&record.task, image, now);
    record.task.result_id = Some(concept.id.clone());
    record.task.image_path = Some(concept.content.image_path.clone());
    record.task.notes.clone_from(&concept.content.notes);
    let effects = Effects {
        concept: Some(Box::new(concept)),
        ..Effects::of(record, Event::Complete)
    };
    Decision::with(effects, Fenced::Done)
}

/// The outcome for a worker that is too late to finish its task.
pub fn late(is_unreferenced: bool) -> Finished {
    match is_unreferenced {
        true => Finished::Over,
        false => Finished::Lost,
    }
}

/// Fails the task with a whole sentence.
pub fn fail(
    record: &mut TaskRecord,
    held: &Lease,
    failure: &TaskFailure,
    now: Timestamp,
) -> Decision<Fenced> {
    let message = &failure.error_message;
    if record.is_held_by(held) && record.enter_failure(Event::Fail, message, now) {
        if failure.is_refusal {
            record.task.failure_cause = Some(FailureCause::Refused);
        }
        Decision::changed(record, Event::Fail, Fenced::Done)
    } else {
        Decision::unchanged(Fenced::Lost)
    }
}
