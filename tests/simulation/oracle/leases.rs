//! Who works on a task, and what they may write.

use concept_refinement_capability::tasks::TaskOperation;
use concept_refinement_domain::capability::{Claimed, Fenced, Finished, Lease};
use concept_refinement_domain::concept::id_for;
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::retry::MAX_TRIES;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use super::{Expected, Invariant, Oracle};
use crate::scheduler::Group;

impl Oracle {
    pub fn claimed(
        &mut self,
        id: &str,
        user: Option<&str>,
        by: Group,
        answer: Option<&Claimed>,
        now: Timestamp,
    ) {
        let Some(task) = self
            .task(id)
            .filter(|task| user.is_none_or(|user| user == task.user))
        else {
            self.require(answer.is_none(), Invariant::OneWorker, || {
                format!("{id} was claimed although it is gone")
            });
            return;
        };
        if task.has_missed_deadline(now) {
            task.end(Status::Failed, now);
            self.refund(id);
            self.require(answer.is_none(), Invariant::OneFinalState, || {
                format!("{id} was given to a worker after its deadline")
            });
            return;
        }
        let ran_out = task.status == Status::Processing && task.lease_until <= now;
        let is_free = task.status == Status::Pending || ran_out;
        if ran_out {
            task.deaths += 1;
            if task.deaths >= MAX_DEATHS {
                task.end(Status::Failed, now);
                self.refund(id);
                self.require(answer.is_none(), Invariant::OneFinalState, || {
                    format!("{id} was given to one worker more")
                });
                return;
            }
        }
        let (status, until) = (task.status, task.lease_until);
        let Some(claimed) = answer else {
            self.require(!is_free, Invariant::OneWorker, || {
                format!("{id} is free and was not given")
            });
            return;
        };
        let attempt = task.attempt + 1;
        task.status = Status::Processing;
        task.attempt = attempt;
        task.lease_until = claimed.lease.until;
        task.holder = by;
        task.asked_by_attempt = 0;
        task.may_not_ask = !task.images.is_empty();
        self.require(is_free, Invariant::OneWorker, || {
            format!("{id} was claimed while it is {status:?} with a lease until {until}, at {now}")
        });
        self.require(claimed.lease.attempt == attempt, Invariant::Fencing, || {
            format!(
                "{id} was claimed as attempt {} after {attempt}",
                claimed.lease.attempt
            )
        });
    }

    /// All deadlines that have passed are looked at. Answers the tasks that failed by this.
    pub fn deadlines_missed(&mut self, now: Timestamp) -> Vec<String> {
        let active = self.tasks.iter_mut().filter(|(_, task)| task.is_active());
        let missed = active.filter(|(_, task)| task.has_missed_deadline(now));
        let missed = missed.map(|(id, task)| {
            task.end(Status::Failed, now);
            id.clone()
        });
        let missed: Vec<_> = missed.collect();
        for id in &missed {
            self.refund(id);
        }
        missed
    }

    pub(super) fn held(&mut self, lease: &Lease) -> Option<&mut Expected> {
        self.task(&lease.task_id)
            .filter(|task| task.status == Status::Processing && task.attempt == lease.attempt)
    }

    pub(super) fn fence(&mut self, call: &str, lease: &Lease, is_held: bool, is_done: bool) {
        self.require(is_held || !is_done, Invariant::Fencing, || {
            format!(
                "{call} by attempt {} of {}, which lost its lease",
                lease.attempt, lease.task_id
            )
        });
        self.require(is_done || !is_held, Invariant::Fencing, || {
            format!(
                "{call} refused to attempt {} of {}, which has its lease",
                lease.attempt, lease.task_id
            )
        });
    }

    pub fn renewed(&mut self, lease: &Lease, answer: Option<&Lease>) {
        let held = self.held(lease);
        let is_held = held.is_some();
        if let (Some(task), Some(renewed)) = (held, answer) {
            task.lease_until = renewed.until;
        }
        self.fence("renew", lease, is_held, answer.is_some());
    }

    pub fn finished(&mut self, lease: &Lease, path: &str, answer: Finished, now: Timestamp) {
        let held = self.held(lease);
        let is_held = held.is_some();
        if let Some(task) = held {
            task.end(Status::Completed, now);
            task.concept = Some((id_for(&lease.task_id), path.to_owned()));
        }
        self.fence("finish", lease, is_held, answer == Finished::Done);
        if is_held {
            return;
        }
        let is_needed = self.tasks.get(&lease.task_id).is_some_and(|task| {
            let shown = task.concept.as_ref().filter(|_| task.is_visible());
            task.is_active() || shown.is_some_and(|(_, shown)| shown == path)
        });
        let is_original = self.tasks.values().any(|task| {
            let original = task.original.as_deref();
            task.is_active() && original == Some(path)
        });
        let expected = match is_needed || is_original {
            true => Finished::Lost,
            false => Finished::Over,
        };
        self.require(answer == expected, Invariant::WholeImage, || {
            let attempt = lease.attempt;
            format!("attempt {attempt} was told {answer:?} of {path}, not {expected:?}")
        });
    }

    pub fn wrote(
        &mut self,
        write: &TaskOperation<'_>,
        lease: &Lease,
        answer: Fenced,
        now: Timestamp,
    ) {
        let held = self.held(lease);
        let is_held = held.is_some();
        if let Some(task) = held {
            match write {
                TaskOperation::Fail { .. } => task.end(Status::Failed, now),
                TaskOperation::Release { .. } => {
                    task.status = Status::Pending;
                    task.mishaps += 1;
                }
                _ => {}
            }
        }
        if is_held && matches!(write, TaskOperation::Fail { .. }) {
            self.refund(&lease.task_id);
        }
        self.fence("a write", lease, is_held, answer == Fenced::Done);
    }

    /// The process before this one is gone: its leases end.
    pub fn recovered(&mut self, unfinished: u32, now: Timestamp) {
        for task in self.tasks.values_mut() {
            task.lease_until = task.lease_until.min(now);
        }
        let active = self.tasks.values().filter(|task| task.is_active()).count();
        self.require(
            active == unfinished as usize,
            Invariant::NothingStuck,
            || format!("{unfinished} tasks are to be taken over where there are {active}"),
        );
    }

    /// Tasks are answered that need a message.
    pub fn due(&mut self, answer: &[Task]) {
        for task in answer {
            let is_active = self.task(&task.id).is_some_and(|known| known.is_active());
            self.require(is_active, Invariant::OneFinalState, || {
                format!("{} is to be published again although it is final", task.id)
            });
        }
    }

    /// The model is asked, by whoever believes to have the lease.
    pub fn asked(&mut self, lease: &Lease) {
        let id = &lease.task_id;
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        task.asked += 1;
        let is_newest = task.attempt == lease.attempt;
        task.asked_by_attempt += u32::from(is_newest);
        let (asked, put_off, mishaps) = (task.asked, task.put_off, task.mishaps);
        let by_attempt = task.asked_by_attempt;
        let is_known = is_newest && task.may_not_ask;
        self.require(!is_known, Invariant::StoredImage, || {
            format!("the model is asked for {id}, whose image is stored")
        });
        self.require(
            asked <= 1 + put_off + mishaps && by_attempt <= MAX_TRIES,
            Invariant::ModelCalls,
            || {
                format!(
                    "the model is asked for {id} {asked} times, {by_attempt} times by this \
                     attempt, after {put_off} answers to try later and {mishaps} mishaps"
                )
            },
        );
    }

    /// The model said that it can be tried again, or its answer was lost.
    pub fn put_off(&mut self, id: &str) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.put_off += 1;
        }
    }
}
