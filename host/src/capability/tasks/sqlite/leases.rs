//! Claims, and the writes that name one.
//!
//! A lease that ran out is lost only once another worker has claimed the task:
//! until then nobody else works on it, and its worker may go on.

use std::time::Duration;

use concept_refinement_domain::capability::{Claimed, Fenced, Lease};
use concept_refinement_domain::lease::{MAX_DEATHS, renew_after};
use concept_refinement_domain::sentence::WORKER_DIED;
use concept_refinement_domain::task::{Event, Status};

use super::concepts;
use super::fault::Fault;
use super::rows::{self, TaskRow};
use super::writer::Step;

/// What became of a claim.
pub(super) enum Claim {
    Taken(Box<Claimed>),
    Refused,
    /// Its workers died too often: it is failed now.
    GivenUp,
}

pub(super) fn claim(
    step: &mut Step<'_>,
    id: &str,
    user_id: Option<&str>,
    lease: Duration,
) -> Result<Claim, Fault> {
    let Some(mut row) = rows::find(step, id)? else {
        return Ok(Claim::Refused);
    };
    if user_id.is_some_and(|user_id| user_id != row.task.user_id) {
        return Ok(Claim::Refused);
    }
    if row.task.status == Status::Processing {
        if row.task.lease_until.is_some_and(|until| until > step.now) {
            return Ok(Claim::Refused);
        }
        row.deaths = row.deaths.saturating_add(1);
        if row.deaths >= MAX_DEATHS {
            return end_in_failure(step, row, WORKER_DIED.to_owned()).map(|_| Claim::GivenUp);
        }
    }
    if !row.happen(Event::Claim, step.now) {
        return Ok(Claim::Refused);
    }
    row.attempt = row.attempt.saturating_add(1);
    row.task.lease_until = Some(step.now.plus(lease));
    rows::save(step, &row, true)?;
    Ok(Claim::Taken(Box::new(Claimed {
        lease: Lease {
            task_id: row.task.id.clone(),
            attempt: row.attempt,
            until: step.now.plus(lease),
            renew_after: milliseconds(renew_after(lease)),
        },
        task: row.task,
        checkpoint: row.checkpoint,
    })))
}

pub(super) fn renew(
    step: &mut Step<'_>,
    held: &Lease,
    lease: Duration,
) -> Result<Option<Lease>, Fault> {
    let Some(mut row) = row_of(step, held)? else {
        return Ok(None);
    };
    let until = step.now.plus(lease);
    row.task.lease_until = Some(until);
    rows::save(step, &row, false)?;
    Ok(Some(Lease {
        until,
        renew_after: milliseconds(renew_after(lease)),
        ..held.clone()
    }))
}

pub(super) fn checkpoint(
    step: &mut Step<'_>,
    held: &Lease,
    image_path: String,
) -> Result<Fenced, Fault> {
    let Some(mut row) = row_of(step, held)? else {
        return Ok(Fenced::Lost);
    };
    row.checkpoint = Some(image_path);
    rows::save(step, &row, false)?;
    Ok(Fenced::Done)
}

pub(super) fn complete(
    step: &mut Step<'_>,
    held: &Lease,
    result_id: String,
) -> Result<Fenced, Fault> {
    let Some(mut row) = row_of(step, held)? else {
        return Ok(Fenced::Lost);
    };
    let Some(image_path) = concepts::publish(step, &row.task.id, &result_id)? else {
        return Err(Fault::Invalid("The task has no such concept prepared."));
    };
    if !row.happen(Event::Complete, step.now) {
        return Ok(Fenced::Lost);
    }
    row.task.result_id = Some(result_id);
    row.task.image_path = Some(image_path);
    rows::save(step, &row, true)?;
    Ok(Fenced::Done)
}

pub(super) fn fail(
    step: &mut Step<'_>,
    held: &Lease,
    error_message: String,
) -> Result<Fenced, Fault> {
    match row_of(step, held)? {
        Some(row) => end_in_failure(step, row, error_message),
        None => Ok(Fenced::Lost),
    }
}

pub(super) fn release(step: &mut Step<'_>, held: &Lease) -> Result<Fenced, Fault> {
    let Some(mut row) = row_of(step, held)? else {
        return Ok(Fenced::Lost);
    };
    if !row.happen(Event::Release, step.now) {
        return Ok(Fenced::Lost);
    }
    rows::save(step, &row, true)?;
    Ok(Fenced::Done)
}

/// The row that the lease holds. None: it is lost. This is the fence: whatever
/// a worker writes goes through here, in the same step.
pub(super) fn row_of(step: &Step<'_>, lease: &Lease) -> Result<Option<TaskRow>, Fault> {
    Ok(rows::find(step, &lease.task_id)?
        .filter(|row| row.task.status == Status::Processing && row.attempt == lease.attempt))
}

fn end_in_failure(
    step: &mut Step<'_>,
    mut row: TaskRow,
    error_message: String,
) -> Result<Fenced, Fault> {
    if !row.happen(Event::Fail, step.now) {
        return Ok(Fenced::Lost);
    }
    row.task.error_message = Some(error_message);
    rows::save(step, &row, true)?;
    concepts::drop_prepared(step, &row.task.id)?;
    Ok(Fenced::Done)
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
