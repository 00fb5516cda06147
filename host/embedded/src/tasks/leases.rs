//! Claims, and writes under a lease.

use std::time::Duration;

use concept_refinement_domain::capability::{Fenced, Finished, Lease, RefinedImage};
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::rulebook::{self, Claim, Finish};

use super::change::change;
use super::fault::Fault;
use super::writer::Tx;
use super::{administration, concepts, references};

pub(super) fn claim(
    tx: &mut Tx<'_>,
    id: &str,
    user_id: Option<&str>,
    lease: Duration,
) -> Result<Claim, Fault> {
    if administration::is_paused(tx.connection)? {
        return Ok(Claim::Refused);
    }
    change(tx, id, Claim::Refused, |record, now| {
        rulebook::claim(record, user_id, lease, now)
    })
}

pub(super) fn renew(
    tx: &mut Tx<'_>,
    held: &Lease,
    lease: Duration,
) -> Result<Option<Lease>, Fault> {
    change(tx, &held.task_id, None, |record, now| {
        rulebook::renew(record, held, lease, now)
    })
}

pub(super) fn finish(
    tx: &mut Tx<'_>,
    held: &Lease,
    image: RefinedImage,
) -> Result<Finished, Fault> {
    let path = image.stored.path.clone();
    let finish = change(tx, &held.task_id, Finish::Late, |record, now| {
        rulebook::finish(record, held, image, now)
    })?;
    match finish {
        Finish::Done(concept) => {
            concepts::insert(tx, &concept)?;
            Ok(Finished::Done)
        }
        Finish::Late => {
            let is_unreferenced = references::is_unreferenced(tx.connection, &path)?;
            Ok(rulebook::late(is_unreferenced))
        }
    }
}

pub(super) fn fail(tx: &mut Tx<'_>, held: &Lease, error_message: &str) -> Result<Fenced, Fault> {
    change(tx, &held.task_id, Fenced::Lost, |record, now| {
        rulebook::fail(record, held, error_message, now)
    })
}

pub(super) fn pay(tx: &mut Tx<'_>, held: &Lease, payment: &Payment) -> Result<Fenced, Fault> {
    change(tx, &held.task_id, Fenced::Lost, |record, _| {
        rulebook::pay(record, held, payment)
    })
}

pub(super) fn release(tx: &mut Tx<'_>, held: &Lease) -> Result<Fenced, Fault> {
    change(tx, &held.task_id, Fenced::Lost, |record, now| {
        rulebook::release(record, held, now)
    })
}
