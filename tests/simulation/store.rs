//! The real stores, each operation driven to its end as it takes effect, and
//! what it did told to the oracle.

mod drive;
mod looking;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::intercept::Operations as _;
use concept_refinement_capability::tasks::{TaskOperation as Asked, TaskReply as Reply, TaskStore};
use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Fenced, NewTask, Submission, TaskFailure,
};
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_tests::flaws::Flawed;

use crate::flaws::Flaw;
use crate::images::Images;
use crate::model::LINK;
use crate::oracle::Oracle;
use crate::scheduler::{Group, OUTSIDE, Scheduler};
pub use drive::drive;

/// 2026-11-20T12:00:00.123456Z, a Friday.
pub const START: Timestamp = Timestamp(1_795_176_000_123_456);

pub struct Store {
    pub inner: Arc<dyn TaskStore>,
    clock: Arc<ManualClock>,
    /// How far the store's clock is ahead.
    ahead: Cell<Duration>,
    scheduler: Rc<Scheduler>,
    pub oracle: Rc<RefCell<Oracle>>,
    images: Rc<Images>,
    flaw: Option<Flaw>,
    /// With a receipt, and of which task it is.
    last_payment: RefCell<Option<(String, Payment)>>,
}

impl Store {
    pub fn new(
        options: Options,
        clock: Arc<ManualClock>,
        scheduler: &Rc<Scheduler>,
        oracle: &Rc<RefCell<Oracle>>,
        images: &Rc<Images>,
        flaw: Option<Flaw>,
    ) -> Self {
        let sqlite = Arc::new(SqliteTasks::in_memory(options, clock.clone()).unwrap());
        let inner: Arc<dyn TaskStore> = match flaw {
            Some(Flaw::Store(flaw)) => Flawed::store(flaw, sqlite),
            _ => sqlite,
        };
        Self {
            inner,
            clock,
            ahead: Cell::default(),
            scheduler: Rc::clone(scheduler),
            oracle: Rc::clone(oracle),
            images: Rc::clone(images),
            flaw,
            last_payment: RefCell::default(),
        }
    }

    /// By the store's clock.
    pub fn now(&self) -> Timestamp {
        START.plus(self.scheduler.now()).plus(self.ahead.get())
    }

    /// How far its clock has jumped in all.
    pub fn ahead(&self) -> Duration {
        self.ahead.get()
    }

    pub fn jump(&self, by: Duration) {
        self.ahead.set(self.ahead.get() + by);
    }

    /// Does an operation that a process asked for, and tells the oracle.
    pub fn run(&self, by: Group, operation: Asked<'_>) -> Result<Reply, CapabilityError> {
        let asked = operation.clone();
        let answer = self.answer(operation);
        let name = asked.name();
        self.oracle.borrow_mut().answered(name, &answer);
        if let Ok(reply) = &answer {
            self.tell(by, &asked, reply);
        }
        answer
    }

    /// For those who are no process.
    pub fn delete(&self, user: &str, id: &str) {
        let _ = self.run(OUTSIDE, Asked::Delete { user_id: user, id });
    }

    pub fn submit(&self, task: NewTask) {
        let _ = self.run(OUTSIDE, Asked::Submit { task });
    }

    pub fn look_at_spending(&self, user_id: &str) {
        for window in Window::ALL {
            let _ = self.run(OUTSIDE, Asked::Spending { user_id, window });
        }
    }

    pub fn unreferenced(&self, image_paths: Vec<String>) -> Vec<String> {
        let unreferenced = self.run(OUTSIDE, Asked::Unreferenced { image_paths });
        unreferenced.unwrap().try_into().ok().unwrap()
    }

    /// By way of the flaw.
    fn answer(&self, mut operation: Asked<'_>) -> Result<Reply, CapabilityError> {
        match (self.flaw, &mut operation) {
            (Some(Flaw::QuotaNotCounted), Asked::Submit { task }) => {
                task.quota.iter_mut().for_each(|quota| quota.limit += 1);
            }
            (Some(Flaw::ReservationLost), Asked::Submit { task }) => task.reservation = None,
            (Some(Flaw::BudgetIgnored), Asked::Submit { task }) => task.budget = None,
            (Some(Flaw::PerhapsIsNothing), Asked::Fail { lease, .. }) => {
                let none = Payment::default();
                let _ = self.drive(self.inner.pay(lease, &none))?;
            }
            (Some(Flaw::KeyForgotten), Asked::Submit { task }) => task.idempotency_key = None,
            (Some(Flaw::OutOfReach), Asked::Withdraw { .. }) => {
                return Err(CapabilityError::unavailable("It is out of reach."));
            }
            (Some(Flaw::QuotaNotGivenBack), Asked::Withdraw { id, error_message }) => {
                return self.fail(id, error_message).map(Into::into);
            }
            (Some(Flaw::ImageRemovedEarly), Asked::Unreferenced { image_paths }) => {
                return Ok(std::mem::take(image_paths).into());
            }
            (Some(Flaw::AttemptForgotten), Asked::RecordAttempt { .. }) => {
                return Ok(Fenced::Done.into());
            }
            (Some(Flaw::MarkClearedEarly), Asked::Pay { lease, payment }) => {
                let cleared = payment.call_not_accepted("openai");
                return self.drive(self.inner.pay(lease, &cleared)).map(Into::into);
            }
            (Some(Flaw::ImageLeftOver), Asked::Unreferenced { .. }) => {
                return Ok(Reply::ImagePaths(vec![]));
            }
            _ => {}
        }
        let mut reply = self.drive(self.inner.run(operation))?;
        if let Reply::Claimed(Some(Claimed { task, payment, .. })) = &mut reply {
            match (self.flaw, self.last_payment.borrow().as_ref()) {
                (Some(Flaw::ReceiptForgotten), _) => {
                    let calls = payment.calls;
                    *payment = (0..calls).fold(Payment::default(), |paid, _| {
                        paid.call_begun("openai", None)
                    });
                }
                (Some(Flaw::ReceiptOfAnother), Some((id, other))) if *id != task.id => {
                    *payment = other.clone();
                }
                _ => {}
            }
        }
        if let (Some(Flaw::SettledTwice), Reply::Spending(spending)) = (self.flaw, &mut reply) {
            spending.spent *= 2;
        }
        if let Reply::Submission(submission) = &mut reply {
            match (self.flaw, &mut *submission) {
                (
                    Some(Flaw::QuotaNotCounted),
                    Submission::Created(accepted)
                    | Submission::Active(accepted)
                    | Submission::Replayed(accepted),
                ) => {
                    let state = accepted.quota.iter_mut();
                    state.for_each(|state| state.remaining = state.remaining.saturating_sub(1));
                }
                (Some(Flaw::SecondActiveTask), Submission::Active(accepted)) => {
                    *submission = Submission::Created(accepted.clone());
                }
                _ => {}
            }
        }
        Ok(reply)
    }

    /// In place of withdrawing it.
    fn fail(&self, id: &str, reason: &str) -> Result<Fenced, CapabilityError> {
        let status = self.oracle.borrow().tasks().get(id).map(|task| task.status);
        if status != Some(Status::Pending) {
            return Ok(Fenced::Lost);
        }
        let claimed = self.drive(self.inner.claim(id, None))?;
        let lease = claimed.map(|claimed| claimed.lease);
        lease.map_or(Ok(Fenced::Lost), |lease| {
            // As one that has cost something.
            let paid = Payment::default().call_begun("openai", None);
            let _ = self.drive(self.inner.pay(&lease, &paid))?;
            self.drive(self.inner.fail(&lease, &TaskFailure::new(reason)))
        })
    }

    fn tell(&self, by: Group, asked: &Asked<'_>, reply: &Reply) {
        let now = self.now();
        let mut oracle = self.oracle.borrow_mut();
        let mut changed = vec![];
        match (asked, reply) {
            (Asked::Submit { task: new }, Reply::Submission(answer)) => {
                oracle.submitted(new, answer, now);
            }
            (Asked::Spending { user_id, window }, Reply::Spending(answer)) => {
                oracle.spending_told(user_id, *window, *answer, now);
            }
            (Asked::Withdraw { id, .. }, Reply::Fenced(answer)) => {
                oracle.withdrawn(id, *answer, now);
                changed.push((*id).to_owned());
            }
            (Asked::Claim { id, user_id }, Reply::Claimed(answer)) => {
                oracle.claimed(id, *user_id, by, answer.as_ref(), now);
                changed.push((*id).to_owned());
            }
            (Asked::Renew { lease }, Reply::Lease(answer)) => {
                oracle.renewed(lease, answer.as_ref());
            }
            (Asked::Finish { lease, image }, Reply::Finished(answer)) => {
                oracle.finished(lease, &image.stored.path, *answer, now);
                changed.push(lease.task_id.clone());
            }
            (Asked::Fail { lease, .. } | Asked::Release { lease }, Reply::Fenced(answer)) => {
                oracle.wrote(asked, lease, *answer, now);
                changed.push(lease.task_id.clone());
            }
            (Asked::Pay { lease, payment }, Reply::Fenced(answer)) => {
                oracle.paid(lease, payment, *answer);
                if payment.receipt(LINK).is_some() {
                    let paid = (lease.task_id.clone(), (*payment).clone());
                    self.last_payment.replace(Some(paid));
                }
            }
            (Asked::Cancel { user_id, id }, Reply::Cancelled(answer)) => {
                oracle.cancelled(user_id, id, answer.as_ref(), now);
                changed.push((*id).to_owned());
            }
            (Asked::Delete { user_id, id }, Reply::Deleted(answer)) => {
                oracle.deleted(user_id, id, *answer);
                changed.push((*id).to_owned());
            }
            (Asked::DeleteConcept { user_id, id }, Reply::Text(answer)) => {
                changed.extend(oracle.concept_deleted(user_id, id, answer.as_ref()));
            }
            (Asked::MissDeadlines { .. }, Reply::Count(_)) => {
                changed = oracle.deadlines_missed(now);
            }
            (Asked::Due { .. }, Reply::Tasks(answer)) => oracle.due(answer),
            (Asked::Recover { .. }, Reply::Count(answer)) => {
                oracle.recovered(*answer, now);
                oracle.deliveries_recovered();
            }
            (Asked::Unreferenced { .. }, Reply::ImagePaths(answer)) => oracle.unreferenced(answer),
            (Asked::ClaimDeliveries { .. }, Reply::Deliveries(answer)) => {
                changed = oracle.deliveries_claimed(answer, now);
            }
            (Asked::RecordAttempt { lease, outcome, .. }, Reply::Fenced(answer)) => {
                oracle.attempt_recorded(lease, outcome, *answer, now);
                changed.push(lease.task_id.clone());
            }
            (Asked::Redeliver { user_id, task_id }, Reply::Redelivery(answer)) => {
                oracle.redelivered(user_id, task_id, *answer, now);
                changed.push((*task_id).to_owned());
            }
            (Asked::Expire { before, .. }, Reply::Expired(answer)) => {
                changed = oracle.expired(*before, answer);
            }
            _ => {}
        }
        drop(oracle);
        changed.iter().for_each(|id| self.look_at(id));
    }

    fn drive<T>(&self, operation: impl Future<Output = T>) -> T {
        self.clock.set(self.now());
        drive(operation)
    }
}
