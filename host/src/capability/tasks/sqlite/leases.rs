//! Claims, and writes under a lease.

use std::time::Duration;

use concept_refinement_domain::capability::{Fenced, Lease};
use concept_refinement_domain::concept::NewConcept;
use concept_refinement_domain::rulebook::{self, Claim};

use super::change::{change, try_change};
use super::fault::Fault;
use super::writer::Step;
use super::{concepts, rows};

pub(super) fn claim(
    step: &mut Step<'_>,
    id: &str,
    user_id: Option<&str>,
    lease: Duration,
) -> Result<Claim, Fault> {
    change(step, id, Claim::Refused, |record, now| {
        rulebook::claim(record, user_id, lease, now)
    })
}

pub(super) fn renew(
    step: &mut Step<'_>,
    held: &Lease,
    lease: Duration,
) -> Result<Option<Lease>, Fault> {
    change(step, &held.task_id, None, |record, now| {
        rulebook::renew(record, held, lease, now)
    })
}

pub(super) fn checkpoint(
    step: &mut Step<'_>,
    held: &Lease,
    image_path: &str,
) -> Result<Fenced, Fault> {
    change(step, &held.task_id, Fenced::Lost, |record, _| {
        rulebook::checkpoint(record, held, image_path)
    })
}

pub(super) fn put_concept(
    step: &Step<'_>,
    held: &Lease,
    concept: &NewConcept,
) -> Result<Option<String>, Fault> {
    let Some(record) = rows::find(step, &held.task_id)? else {
        return Ok(None);
    };
    let id = rulebook::put_concept(&record, held, concept)?;
    if let Some(id) = &id {
        concepts::prepare(step, id, concept)?;
    }
    Ok(id)
}

pub(super) fn complete(
    step: &mut Step<'_>,
    held: &Lease,
    result_id: &str,
) -> Result<Fenced, Fault> {
    try_change(step, &held.task_id, Fenced::Lost, |record, step| {
        let mut image_path = None;
        let decision = rulebook::complete(record, held, result_id, step.now, || {
            image_path = concepts::publish(step, &held.task_id, result_id)?;
            Ok::<_, Fault>(image_path.is_some())
        })?;
        record.task.image_path = image_path;
        Ok(decision)
    })
}

pub(super) fn fail(
    step: &mut Step<'_>,
    held: &Lease,
    error_message: &str,
) -> Result<Fenced, Fault> {
    change(step, &held.task_id, Fenced::Lost, |record, now| {
        rulebook::fail(record, held, error_message, now)
    })
}

pub(super) fn release(step: &mut Step<'_>, held: &Lease) -> Result<Fenced, Fault> {
    change(step, &held.task_id, Fenced::Lost, |record, now| {
        rulebook::release(record, held, now)
    })
}
