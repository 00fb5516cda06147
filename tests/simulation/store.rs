//! The real stores, each operation driven to its end as it takes effect, and
//! what it did told to the oracle.

mod drive;
mod looking;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Deleted, Fenced, Lease, NewTask, Submission,
};
use concept_refinement_domain::concept::NewConcept;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_host::capability::clock::ManualClock;
use concept_refinement_host::capability::concepts::Concepts;
use concept_refinement_host::capability::tasks::sqlite::{Options, SqliteTasks};
use concept_refinement_host::capability::tasks::{Expired, Leases, Maintenance, TaskStore, Tasks};
use concept_refinement_tests::flaws::Flawed;

use crate::flaws::Flaw;
use crate::images::Images;
use crate::oracle::{Oracle, Write};
use crate::scheduler::{Group, Scheduler};
use drive::drive;

/// 2026-11-20T12:00:00.123456Z, a Friday.
pub const START: Timestamp = Timestamp(1_795_176_000_123_456);

type Answer<T> = Result<T, CapabilityError>;

pub struct Store {
    tasks: Arc<dyn Tasks>,
    concepts: Arc<dyn Concepts>,
    leases: Arc<dyn Leases>,
    maintenance: Arc<dyn Maintenance>,
    clock: Arc<ManualClock>,
    /// How far the store's clock is ahead.
    ahead: Cell<Duration>,
    scheduler: Rc<Scheduler>,
    pub oracle: Rc<RefCell<Oracle>>,
    images: Rc<Images>,
    flaw: Option<Flaw>,
}

impl Store {
    pub fn new(
        options: Options,
        scheduler: &Rc<Scheduler>,
        oracle: &Rc<RefCell<Oracle>>,
        images: &Rc<Images>,
        flaw: Option<Flaw>,
    ) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let store = Arc::new(SqliteTasks::in_memory(options, clock.clone()).unwrap());
        let store: Arc<dyn TaskStore> = match flaw {
            Some(Flaw::Store(flaw)) => Flawed::store(flaw, store),
            _ => store,
        };
        Self {
            tasks: store.clone(),
            concepts: store.clone(),
            leases: store.clone(),
            maintenance: store,
            clock,
            ahead: Cell::default(),
            scheduler: Rc::clone(scheduler),
            oracle: Rc::clone(oracle),
            images: Rc::clone(images),
            flaw,
        }
    }

    /// By the store's clock.
    pub fn now(&self) -> Timestamp {
        START.plus(self.scheduler.now()).plus(self.ahead.get())
    }

    pub fn jump(&self, by: Duration) {
        self.ahead.set(self.ahead.get() + by);
    }

    pub fn submit(&self, mut task: NewTask) -> Answer<Submission> {
        let asked = task.clone();
        match self.flaw {
            Some(Flaw::QuotaNotCounted) => {
                task.quota.iter_mut().for_each(|quota| quota.limit += 1);
            }
            Some(Flaw::KeyForgotten) => task.idempotency_key = None,
            _ => {}
        }
        let mut answer = self.run(self.tasks.submit(task));
        if let (
            Some(Flaw::QuotaNotCounted),
            Ok(
                Submission::Created(accepted)
                | Submission::Active(accepted)
                | Submission::Replayed(accepted),
            ),
        ) = (self.flaw, &mut answer)
        {
            let state = accepted.quota.iter_mut();
            state.for_each(|state| state.remaining = state.remaining.saturating_sub(1));
        }
        if let (Some(Flaw::SecondActiveTask), Ok(Submission::Active(accepted))) =
            (self.flaw, answer.clone())
        {
            answer = Ok(Submission::Created(accepted));
        }
        let mut oracle = self.oracle.borrow_mut();
        if let Some(submission) = oracle.answered("submit", &answer) {
            oracle.submitted(&asked, &submission, self.now());
        }
        answer
    }

    pub fn withdraw(&self, task: &Task, reason: &str) -> Answer<Fenced> {
        let answer = match self.flaw {
            Some(Flaw::OutOfReach) => Err(CapabilityError::unavailable("It is out of reach.")),
            Some(Flaw::QuotaNotGivenBack) => self.fail_in_place_of_withdrawing(task, reason),
            _ => self.run(self.tasks.withdraw(&task.id, reason)),
        };
        let fenced = self.oracle.borrow_mut().answered("withdraw", &answer);
        if let Some(fenced) = fenced {
            let now = self.now();
            self.oracle.borrow_mut().withdrawn(&task.id, fenced, now);
            self.look(&task.user_id, &task.id);
        }
        answer
    }

    fn fail_in_place_of_withdrawing(&self, task: &Task, reason: &str) -> Answer<Fenced> {
        let held = self.run(self.tasks.get(&task.user_id, &task.id))?;
        if held.is_none_or(|task| task.status != Status::Pending) {
            return Ok(Fenced::Lost);
        }
        let claimed = self.run(self.leases.claim(&task.id, None))?.unwrap();
        self.run(self.leases.fail(&claimed.lease, reason))
    }

    pub fn claim(&self, by: Group, id: &str, user: Option<&str>) -> Answer<Option<Claimed>> {
        let answer = self.run(self.leases.claim(id, user));
        let now = self.now();
        let claimed = self.oracle.borrow_mut().answered("claim", &answer);
        if let Some(claimed) = claimed {
            let mut oracle = self.oracle.borrow_mut();
            oracle.claimed(id, user, by, claimed.as_ref(), now);
            drop(oracle);
            self.look_at(id);
        }
        answer
    }

    pub fn renew(&self, lease: &Lease) -> Answer<Option<Lease>> {
        let answer = self.run(self.leases.renew(lease));
        let mut oracle = self.oracle.borrow_mut();
        if let Some(renewed) = oracle.answered("renew", &answer) {
            oracle.renewed(lease, renewed.as_ref());
        }
        answer
    }

    pub fn write(&self, write: &Write<'_>, lease: &Lease) -> Answer<Fenced> {
        let answer = match write {
            Write::Checkpoint(path) => self.run(self.leases.checkpoint(lease, path)),
            Write::Complete(id) => self.run(self.leases.complete(lease, id)),
            Write::Fail(reason) => self.run(self.leases.fail(lease, reason)),
            Write::Release => self.run(self.leases.release(lease)),
        };
        let fenced = self.oracle.borrow_mut().answered("write", &answer);
        if let Some(fenced) = fenced {
            let now = self.now();
            self.oracle.borrow_mut().wrote(write, lease, fenced, now);
            self.look_at(&lease.task_id);
        }
        answer
    }

    pub fn prepare(&self, lease: &Lease, concept: NewConcept) -> Answer<Option<String>> {
        let path = concept.image_path.clone();
        let answer = self.run(self.leases.put_concept(lease, concept));
        let id = self.oracle.borrow_mut().answered("put", &answer);
        if let Some(id) = id {
            self.oracle.borrow_mut().prepared(lease, &path, id.as_ref());
            self.look_at(&lease.task_id);
        }
        answer
    }

    pub fn get(&self, user: &str, id: &str) -> Answer<Option<Task>> {
        self.run(self.tasks.get(user, id))
    }

    pub fn delete(&self, user: &str, id: &str) -> Answer<Option<Deleted>> {
        let answer = self.run(self.tasks.delete(user, id));
        let deleted = self.oracle.borrow_mut().answered("delete", &answer);
        if let Some(deleted) = deleted {
            let image = deleted.map(|deleted| deleted.unpublished_image);
            self.oracle.borrow_mut().deleted(user, id, image.as_ref());
            self.look(user, id);
        }
        answer
    }

    pub fn delete_concept(&self, user: &str, id: &str) -> Answer<Option<String>> {
        let answer = self.run(self.concepts.delete(user, id));
        let image = self.oracle.borrow_mut().answered("delete", &answer);
        if let Some(image) = image {
            let mut oracle = self.oracle.borrow_mut();
            let task_id = oracle.concept_deleted(user, id, image.as_ref());
            drop(oracle);
            task_id.iter().for_each(|task_id| self.look(user, task_id));
        }
        answer
    }

    pub fn due(&self, limit: u32) -> Answer<Vec<Task>> {
        let answer = self.run(self.maintenance.due(limit));
        let mut oracle = self.oracle.borrow_mut();
        if let Some(tasks) = oracle.answered("due", &answer) {
            oracle.told_of(&tasks);
        }
        answer
    }

    pub fn next_due(&self) -> Answer<Option<Timestamp>> {
        self.run(self.maintenance.next_due())
    }

    pub fn recover(&self) -> Answer<u32> {
        let answer = self.run(self.maintenance.recover());
        let now = self.now();
        let mut oracle = self.oracle.borrow_mut();
        if let Some(unfinished) = oracle.answered("recover", &answer) {
            oracle.recovered(unfinished, now);
        }
        answer
    }

    pub fn expire(&self, before: Timestamp) -> Answer<Expired> {
        const MANY: u32 = 1_000;
        let answer = self.run(self.maintenance.expire(before, MANY));
        let expired = self.oracle.borrow_mut().answered("expire", &answer);
        if let Some(expired) = expired {
            let gone = self.oracle.borrow_mut().expired(before, &expired);
            gone.iter().for_each(|id| self.look_at(id));
        }
        answer
    }

    pub fn unreferenced(&self, paths: Vec<String>) -> Answer<Vec<String>> {
        match self.flaw {
            Some(Flaw::ImageRemovedEarly) => return Ok(paths),
            Some(Flaw::ImageLeftOver) => return Ok(vec![]),
            _ => {}
        }
        let answer = self.run(self.maintenance.unreferenced(paths));
        let mut oracle = self.oracle.borrow_mut();
        if let Some(paths) = oracle.answered("unreferenced", &answer) {
            oracle.unreferenced(&paths);
        }
        answer
    }

    fn run<T>(&self, operation: impl Future<Output = T>) -> T {
        self.clock.set(self.now());
        drive(operation)
    }
}
