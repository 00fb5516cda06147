//! Operations on a stored task as values, so that a store needs one function for all of
//! them.

use std::time::Duration;

use crate::capability::{Cancellation, Fenced, Lease, RefinedImage, TaskFailure};
use crate::payment::Payment;
use crate::timestamp::Timestamp;
use crate::webhook::{DeliveryLease, DeliveryOutcome, Redelivery};

use super::{Claim, Decision, TaskRecord};

/// A rule with its arguments, for one task. It may be applied again if the task has changed
/// meanwhile.
pub struct Operation<T> {
    /// The task.
    pub task_id: String,
    /// The answer if there is no such task.
    pub gone: T,
    /// Claims are not made while the queue is paused, as if there were no such task.
    pub is_claim: bool,
    rule: Box<Rule<T>>,
}

type Rule<T> = dyn Fn(&mut TaskRecord, Timestamp) -> Decision<T> + Send + Sync;

impl<T> Operation<T> {
    /// Decides about the task with this record. What it decides has to be saved in one step.
    pub fn decide(&self, record: &mut TaskRecord, now: Timestamp) -> Decision<T> {
        (self.rule)(record, now)
    }

    fn new(
        task_id: &str,
        gone: T,
        rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T> + Send + Sync + 'static,
    ) -> Self {
        Self {
            task_id: task_id.to_owned(),
            gone,
            is_claim: false,
            rule: Box::new(rule),
        }
    }
}

impl<T: 'static> Operation<T> {
    /// See [`cancel_as_operator`](super::cancel_as_operator). None: no such task.
    pub fn cancel_as_operator(id: &str, answer: fn(Option<Cancellation>) -> T) -> Self {
        Self::new(id, answer(None), move |record, now| {
            super::cancel_as_operator(record, now).map(|cancellation| answer(Some(cancellation)))
        })
    }
}

impl Operation<Claim> {
    /// See [`claim`](super::claim).
    pub fn claim(id: &str, user_id: Option<&str>, lease: Duration) -> Self {
        let user_id = user_id.map(str::to_owned);
        let claim = Self::new(id, Claim::Refused, move |record, now| {
            super::claim(record, user_id.as_deref(), lease, now)
        });
        Self {
            is_claim: true,
            ..claim
        }
    }
}

impl Operation<bool> {
    /// See [`miss_deadline`](super::miss_deadline). It is no claim: a deadline passes while the
    /// queue is paused, too.
    pub fn miss_deadline(id: &str) -> Self {
        Self::new(id, false, super::miss_deadline)
    }
}

impl Operation<Option<Lease>> {
    /// See [`renew`](super::renew).
    pub fn renew(held: &Lease, lease: Duration) -> Self {
        let held = held.clone();
        Self::new(&held.task_id.clone(), None, move |record, now| {
            super::renew(record, &held, lease, now)
        })
    }
}

impl Operation<Option<Cancellation>> {
    /// See [`cancel`](super::cancel).
    pub fn cancel(user_id: &str, id: &str) -> Self {
        let user_id = user_id.to_owned();
        Self::new(id, None, move |record, now| {
            super::cancel(record, &user_id, now)
        })
    }
}

impl Operation<Redelivery> {
    /// See [`redeliver`](super::redeliver).
    pub fn redeliver(user_id: &str, id: &str) -> Self {
        let user_id = user_id.to_owned();
        Self::new(id, Redelivery::None, move |record, now| {
            super::redeliver(record, &user_id, now)
        })
    }
}

impl Operation<Fenced> {
    /// See [`finish`](super::finish).
    pub fn finish(held: &Lease, image: RefinedImage) -> Self {
        Self::fenced(held, move |record, held, now| {
            super::finish(record, held, image.clone(), now)
        })
    }

    /// See [`fail`](super::fail).
    pub fn fail(held: &Lease, failure: &TaskFailure) -> Self {
        let failure = failure.clone();
        Self::fenced(held, move |record, held, now| {
            super::fail(record, held, &failure, now)
        })
    }

    /// See [`pay`](super::pay).
    pub fn pay(held: &Lease, payment: &Payment) -> Self {
        let payment = payment.clone();
        Self::fenced(held, move |record, held, _| {
            super::pay(record, held, &payment)
        })
    }

    /// See [`release`](super::release).
    pub fn release(held: &Lease) -> Self {
        Self::fenced(held, super::release)
    }

    /// See [`withdraw`](super::withdraw).
    pub fn withdraw(id: &str, error_message: &str) -> Self {
        let error_message = error_message.to_owned();
        Self::new(id, Fenced::Lost, move |record, now| {
            super::withdraw(record, &error_message, now)
        })
    }

    /// See [`record_attempt`](super::record_attempt).
    pub fn record_attempt(lease: &DeliveryLease, outcome: DeliveryOutcome, jitter: f64) -> Self {
        let lease = lease.clone();
        Self::new(&lease.task_id.clone(), Fenced::Lost, move |record, now| {
            super::record_attempt(record, &lease, outcome.clone(), jitter, now)
        })
    }

    fn fenced(
        held: &Lease,
        rule: impl Fn(&mut TaskRecord, &Lease, Timestamp) -> Decision<Fenced> + Send + Sync + 'static,
    ) -> Self {
        let held = held.clone();
        Self::new(&held.task_id.clone(), Fenced::Lost, move |record, now| {
            rule(record, &held, now)
        })
    }
}
