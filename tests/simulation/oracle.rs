//! Judges by its own rules whether the operations on the stores, in their
//! order, were correct.
//!
//! It sees each step as it takes effect, even if its answer is lost, and never
//! reads the stores. It records the first violation.

mod deliveries;
mod expiry;
mod leases;
mod payments;
mod reading;
pub mod spending;
mod submissions;

use std::collections::{BTreeMap, BTreeSet};

use concept_refinement_domain::budget::Budget;
use concept_refinement_domain::capability::{Cancellation, CapabilityError};
use concept_refinement_domain::quota::Quota;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;

use crate::scheduler::Group;

concept_refinement_tests::listed! {
    pub enum Invariant {
        /// Accepted data and answers are durable.
        NothingLost,
        /// A task ends in one state, which never changes.
        OneFinalState,
        /// A user has one pending or processing task at most.
        OneActiveTask,
        /// What was created in a window and not taken back is what is counted.
        ExactQuota,
        /// What is spent and reserved is what is known of calls, and no more is reserved than a
        /// budget allows.
        ExactSpending,
        /// A repeat under a key creates nothing.
        OneTaskAKey,
        /// A task with a valid lease cannot be claimed; a claimable task can.
        OneWorker,
        /// A worker without the lease can write nothing; one with it can.
        Fencing,
        OneConcept,
        VisibleIffCompleted,
        /// The image of a visible concept is there, as the model answered it.
        WholeImage,
        /// Once everything is quiet there are the images of concepts and no others.
        OneImage,
        /// Once the image is stored it stays until its task ends, and the model is
        /// not asked again.
        StoredImage,
        /// The model is asked once a task, and again only after something went
        /// wrong.
        ModelCalls,
        /// What a provider makes was noted before, and whatever has a receipt is not made
        /// again.
        PaidOnce,
        /// A receiver is told of a task that has ended, by one at a time, on the schedule,
        /// and what came of it is recorded.
        Deliveries,
        /// Once nothing goes wrong any more everything ends soon.
        NothingStuck,
        /// The stores answer what they are asked.
        Answers,
    }
}

pub struct Violation {
    pub invariant: Invariant,
    pub message: String,
}

/// A task as it has to be.
pub struct Expected {
    pub user: String,
    pub status: Status,
    pub created_at: Timestamp,
    /// By when a worker has to have begun it.
    deadline: Option<Timestamp>,
    completed_at: Timestamp,
    /// Where its original is an image of ours.
    original: Option<String>,
    pub is_deleted: bool,
    pub attempt: u32,
    pub lease_until: Timestamp,
    pub deaths: u32,
    /// Its images that are stored.
    images: BTreeSet<String>,
    /// The id and the image of its concept.
    pub concept: Option<(String, String)>,
    pub is_concept_deleted: bool,
    /// Its owner has asked for the end of its concept, whose image goes first.
    pub is_concept_unwanted: bool,
    /// The process that claimed it last.
    holder: Group,
    /// How often something went wrong that may make a repeat necessary.
    mishaps: u32,
    asked: u32,
    put_off: u32,
    asked_by_attempt: u32,
    /// An image was there when the newest attempt began.
    may_not_ask: bool,
    /// How many calls were noted last.
    calls: u32,
    /// A receipt was kept.
    is_named: bool,
    /// How often the provider worked on it.
    made: u32,
    /// Where a webhook was asked for.
    delivery: Option<deliveries::Delivery>,
}

impl Expected {
    pub fn is_active(&self) -> bool {
        !self.is_deleted && !self.status.is_final()
    }

    /// Its deadline has passed, and no worker has begun it.
    fn has_missed_deadline(&self, now: Timestamp) -> bool {
        let is_unstarted = self.status == Status::Pending && self.attempt == 0;
        is_unstarted && self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// It ends here.
    fn end(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.completed_at = now;
    }

    pub fn is_visible(&self) -> bool {
        self.status == Status::Completed && !self.is_concept_deleted
    }

    /// Whether its concept must have its image.
    fn needs_image(&self) -> bool {
        self.is_visible() && !self.is_concept_unwanted
    }
}

#[derive(Default)]
pub struct Oracle {
    tasks: BTreeMap<String, Expected>,
    keys: BTreeMap<(String, String), submissions::Earlier>,
    used: BTreeMap<(String, Timestamp), u32>,
    /// How many tasks were given back because they failed.
    refunds: BTreeMap<(String, Timestamp), u32>,
    quota: Option<Quota>,
    budget: Option<Budget>,
    violation: Option<Violation>,
}

impl Oracle {
    pub fn new(quota: Option<Quota>, budget: Option<Budget>) -> Self {
        Self {
            quota,
            budget,
            ..Self::default()
        }
    }

    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub fn tasks(&self) -> &BTreeMap<String, Expected> {
        &self.tasks
    }

    /// How often the model was asked in all.
    pub fn asked_in_all(&self) -> u32 {
        self.tasks.values().map(|task| task.asked).sum()
    }

    pub fn all_are_final(&self) -> bool {
        !self.tasks.values().any(Expected::is_active)
    }

    pub fn require(&mut self, holds: bool, invariant: Invariant, message: impl FnOnce() -> String) {
        if !holds && self.violation.is_none() {
            let message = message();
            self.violation = Some(Violation { invariant, message });
        }
    }

    /// The stores themselves always work; faults are injected around them.
    pub fn answered<T>(&mut self, call: &str, answer: &Result<T, CapabilityError>) {
        if let Err(error) = answer {
            self.require(false, Invariant::Answers, || format!("{call}: {error}"));
        }
    }

    fn task(&mut self, id: &str) -> Option<&mut Expected> {
        self.tasks.get_mut(id).filter(|task| !task.is_deleted)
    }

    /// Something went wrong with a call for a task.
    pub fn mishap(&mut self, id: &str) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.mishaps += 1;
        }
    }

    /// A process ended or stood still.
    pub fn mishap_of(&mut self, process: Group) {
        for task in self.tasks.values_mut() {
            if task.holder == process && task.is_active() {
                task.mishaps += 1;
            }
        }
    }

    /// All leases may have run out.
    pub fn mishap_of_all(&mut self) {
        for task in self.tasks.values_mut() {
            task.mishaps += 1;
        }
    }

    pub fn cancelled(
        &mut self,
        user: &str,
        id: &str,
        answer: Option<&Cancellation>,
        now: Timestamp,
    ) {
        let known = self.task(id).filter(|task| task.user == user);
        let expected = known.map(|task| {
            let is_active = task.is_active();
            if is_active {
                task.end(Status::Failed, now);
            }
            is_active
        });
        let told = answer.map(|answer| matches!(answer, Cancellation::Cancelled(_)));
        self.require(told == expected, Invariant::OneFinalState, || {
            format!("cancelling {id} answered {answer:?} in place of {expected:?}")
        });
    }

    pub fn deleted(&mut self, user: &str, id: &str, answer: bool) {
        let task = self.task(id).filter(|task| task.user == user);
        let expected = task.is_some();
        if let Some(task) = task {
            task.is_deleted = true;
        }
        self.require(answer == expected, Invariant::NothingLost, || {
            format!("deleting task {id} answered {answer} in place of {expected}")
        });
    }

    /// Its owner asks for the end of its concept.
    pub fn concept_unwanted(&mut self, task_id: &str) {
        if let Some(task) = self.tasks.get_mut(task_id) {
            task.is_concept_unwanted = true;
        }
    }

    /// Answers whose concept it was.
    pub fn concept_deleted(
        &mut self,
        user: &str,
        id: &str,
        answer: Option<&String>,
    ) -> Option<String> {
        let found = self.tasks.iter_mut().find(|(_, task)| {
            task.user == user
                && task.is_visible()
                && task.concept.as_ref().is_some_and(|concept| concept.0 == id)
        });
        let mut has_image = false;
        let found = found.map(|(task_id, task)| {
            task.is_concept_deleted = true;
            let path = task.concept.as_ref().unwrap().1.clone();
            has_image = task.images.contains(&path);
            (task_id.clone(), path)
        });
        let (task_id, expected) = found.unzip();
        self.require(!has_image, Invariant::OneImage, || {
            format!("concept {id} was deleted before its image")
        });
        self.require(answer == expected.as_ref(), Invariant::NothingLost, || {
            format!("deleting concept {id} answered {answer:?} in place of {expected:?}")
        });
        task_id
    }
}
