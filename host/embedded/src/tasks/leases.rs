//! Claims, and writes under a lease.

use std::time::Duration;

use concept_refinement_domain::capability::{Fenced, Finished, Lease, RefinedImage};
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::rulebook::{self, Claim, Finish};

use super::change::change;
use super::fault::Fault;
use super::writer::Step;
use super::{administration, concepts, references};

pub(super) fn claim(
    step: &mut Step<'_>,
    id: &str,
    user_id: Option<&str>,
    lease: Duration,
) -> Result<Claim, Fault> {
    if administration::is_paused(step.connection)? {
        return Ok(Claim::Refused);
    }
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

pub(super) fn finish(
    step: &mut Step<'_>,
    held: &Lease,
    image: RefinedImage,
) -> Result<Finished, Fault> {
    let path = image.stored.path.clone();
    let finish = change(step, &held.task_id, Finish::Late, |record, now| {
        rulebook::finish(record, held, image, now)
    })?;
    match finish {
        Finish::Done(concept) => {
            concepts::insert(step, &concept)?;
            Ok(Finished::Done)
        }
        Finish::Late => {
            let is_unreferenced = references::is_unreferenced(step.connection, &path)?;
            Ok(rulebook::late(is_unreferenced))
        }
    }
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

pub(super) fn pay(step: &mut Step<'_>, held: &Lease, payment: &Payment) -> Result<Fenced, Fault> {
    change(step, &held.task_id, Fenced::Lost, |record, _| {
        rulebook::pay(record, held, payment)
    })
}

pub(super) fn release(step: &mut Step<'_>, held: &Lease) -> Result<Fenced, Fault> {
    change(step, &held.task_id, Fenced::Lost, |record, now| {
        rulebook::release(record, held, now)
    })
}
