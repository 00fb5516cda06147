//! Claims, renews and releases tasks.

use std::time::Duration;

use crate::capability::{Claimed, Fenced, Lease};
use crate::lease::{MAX_DEATHS, renew_after};
use crate::sentence::WORKER_DIED;
use crate::step::{Step, StepKind};
use crate::task::Status;
use crate::timestamp::Timestamp;

use super::{Decision, Event, TaskRecord, miss_deadline};

/// The outcome of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The task now belongs to the worker.
    Claimed(Box<Claimed>),
    /// The task is final, claimed, or another user's; or it has failed now, since its deadline
    /// has passed.
    Refused,
    /// The task's workers died too often, so it has failed now.
    GivenUp,
}

/// If a user is given, only that user's task is claimed.
pub fn claim(
    record: &mut TaskRecord,
    user_id: Option<&str>,
    lease: Duration,
    now: Timestamp,
) -> Decision<Claim> {
    if user_id.is_some_and(|user_id| user_id != record.task.user_id) {
        return Decision::unchanged(Claim::Refused);
    }
    let missed = miss_deadline(record, now);
    if missed.answer {
        return missed.map(|_| Claim::Refused);
    }
    let is_takeover = record.task.status == Status::Processing;
    if is_takeover {
        if record.task.lease_until.is_some_and(|until| until > now) {
            return Decision::unchanged(Claim::Refused);
        }
        record.deaths = record.deaths.saturating_add(1);
        let lost = Step::new(StepKind::Lost, record.attempt, now);
        record.steps.push(lost);
        if record.deaths >= MAX_DEATHS {
            record.enter_failure(Event::Fail, WORKER_DIED, now);
            return Decision::changed(record, Event::Fail, Claim::GivenUp);
        }
    }
    if !record.enter(Event::Claim, now) {
        return Decision::unchanged(Claim::Refused);
    }
    record.attempt = record.attempt.saturating_add(1);
    let step = Step::new(StepKind::Claimed, record.attempt, now);
    record.steps.push(step);
    let lease = extend(record, lease, now);
    let claimed = Claimed {
        lease,
        task: record.task.clone(),
        payment: record.payment.clone(),
        is_takeover,
        trace: record.trace,
    };
    Decision::changed(record, Event::Claim, Claim::Claimed(Box::new(claimed)))
}

/// Extends the lease. None: the lease is lost.
pub fn renew(
    record: &mut TaskRecord,
    held: &Lease,
    lease: Duration,
    now: Timestamp,
) -> Decision<Option<Lease>> {
    if !record.is_held_by(held) {
        return Decision::unchanged(None);
    }
    let renewed = extend(record, lease, now);
    Decision::changed(record, Event::Renew, Some(renewed))
}

/// Gives the task back as pending. It does not count as a death.
pub fn release(record: &mut TaskRecord, held: &Lease, now: Timestamp) -> Decision<Fenced> {
    if record.is_held_by(held) && record.enter(Event::Release, now) {
        Decision::changed(record, Event::Release, Fenced::Done)
    } else {
        Decision::unchanged(Fenced::Lost)
    }
}

fn extend(record: &mut TaskRecord, lease: Duration, now: Timestamp) -> Lease {
    let until = now.plus(lease);
    record.task.lease_until = Some(until);
    record.lease = Some(lease);
    Lease {
        task_id: record.task.id.clone(),
        attempt: record.attempt,
        until,
        renew_after: u32::try_from(renew_after(lease).as_millis()).unwrap_or(u32::MAX),
    }
}
