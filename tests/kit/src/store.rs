//! Tasks and concepts in maps: the reference that every backend is compared
//! with, and a store for tests that need one.
//!
//! What decides is the rulebook of the domain; here stands only what is loaded
//! and saved. Each call is one step, at the time that it is given.

mod erasure;
mod reads;
mod script;
mod upkeep;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use concept_refinement_domain::capability::{
    Cancellation, Claimed, Fenced, Finished, Lease, NewTask, RefinedImage, Submission, TaskFailure,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::{Usage, Window};
use concept_refinement_domain::rulebook::{
    self, Account, ActiveTasks, Claim, Creation, Decision, Refusal, TaskRecord,
};
use concept_refinement_domain::spending::{Booking, Spending};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

pub use upkeep::{Expired, Tally};

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub lease: Duration,
    pub max_backlog: u32,
    /// Whether no two tasks of a user are created, and no two end, at the same
    /// time: lists are in the order of creation then, whatever the clock does.
    pub has_distinct_times: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            max_backlog: 10_000,
            has_distinct_times: false,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    options: Options,
    tasks: BTreeMap<String, Row>,
    /// By their ids.
    concepts: BTreeMap<String, Concept>,
    users: BTreeMap<String, User>,
    /// By user and key.
    keys: BTreeMap<(String, String), Submitted>,
    /// By when tasks have to have begun, until somebody has looked at them then.
    deadlines: BTreeMap<String, Timestamp>,
    /// When a task of each user was claimed last.
    last_claims: BTreeMap<String, Timestamp>,
    /// Tasks that were deleted or forgotten, or whose concepts were.
    forgotten: BTreeSet<String>,
    given_up: u64,
}

#[derive(Clone, Debug)]
struct Row {
    record: TaskRecord,
    /// When it needs a (new) message.
    due_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
struct User {
    usage: Usage,
    /// All that was ever booked, and when its task was submitted.
    bookings: Vec<(Timestamp, Booking)>,
    last_created: Option<Timestamp>,
    last_ended: Option<Timestamp>,
}

impl MemoryStore {
    pub fn new(options: Options) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// The task with what users do not see of it.
    pub fn record(&self, id: &str) -> Option<&TaskRecord> {
        self.tasks.get(id).map(|row| &row.record)
    }

    pub fn submit(&mut self, new_task: NewTask, now: Timestamp) -> Result<Submission, Refusal> {
        let user_id = new_task.user_id.clone();
        let account = Known {
            store: self,
            user_id: &user_id,
        };
        let Decision { answer, effects } = rulebook::submit(&account, new_task, now)?;
        if let Some(creation) = effects {
            let submitted = creation.submitted();
            let Creation {
                record,
                usage,
                idempotency_key,
            } = creation;
            let user = self.users.entry(user_id.clone()).or_default();
            user.usage = usage;
            user.book(record.task.created_at, record.reserved());
            user.last_created = Some(record.task.created_at);
            if let Some(key) = idempotency_key {
                self.keys.insert((user_id, key), submitted);
            }
            let row = Row {
                due_at: due_at(&record.task),
                record,
            };
            if let Some(deadline) = row.record.task.deadline() {
                let id = row.record.task.id.clone();
                self.deadlines.insert(id, deadline);
            }
            self.tasks.insert(row.record.task.id.clone(), row);
        }
        Ok(answer)
    }

    pub fn withdraw(&mut self, id: &str, error_message: &str, now: Timestamp) -> Fenced {
        self.change(id, Fenced::Lost, |record| {
            rulebook::withdraw(record, error_message, now)
        })
    }

    pub fn claim(&mut self, id: &str, user_id: Option<&str>, now: Timestamp) -> Option<Claimed> {
        let lease = self.options.lease;
        let claim = self.change(id, Claim::Refused, |record| {
            rulebook::claim(record, user_id, lease, now)
        });
        match claim {
            Claim::Claimed(claimed) => {
                let user_id = claimed.task.user_id.clone();
                self.last_claims.insert(user_id, now);
                Some(*claimed)
            }
            Claim::Refused => None,
            Claim::GivenUp => {
                self.given_up += 1;
                None
            }
        }
    }

    pub fn renew(&mut self, held: &Lease, now: Timestamp) -> Option<Lease> {
        let lease = self.options.lease;
        self.change(&held.task_id, None, |record| {
            rulebook::renew(record, held, lease, now)
        })
    }

    pub fn finish(&mut self, held: &Lease, image: RefinedImage, now: Timestamp) -> Finished {
        let path = image.stored.path.clone();
        let finish = self.change(&held.task_id, Fenced::Lost, |record| {
            rulebook::finish(record, held, image, now)
        });
        match finish {
            Fenced::Done => Finished::Done,
            Fenced::Lost => rulebook::late(self.is_unreferenced(&path)),
        }
    }

    pub fn fail(&mut self, held: &Lease, failure: &TaskFailure, now: Timestamp) -> Fenced {
        self.change(&held.task_id, Fenced::Lost, |record| {
            rulebook::fail(record, held, failure, now)
        })
    }

    pub fn release(&mut self, held: &Lease, now: Timestamp) -> Fenced {
        self.change(&held.task_id, Fenced::Lost, |record| {
            rulebook::release(record, held, now)
        })
    }

    /// Notes what a task may have to be paid for.
    pub fn pay(&mut self, held: &Lease, payment: &Payment) -> Fenced {
        self.change(&held.task_id, Fenced::Lost, |record| {
            rulebook::pay(record, held, payment)
        })
    }

    pub fn cancel(&mut self, user_id: &str, id: &str, now: Timestamp) -> Option<Cancellation> {
        let cancelled = self.change(id, None, |record| rulebook::cancel(record, user_id, now));
        // With the times that were saved.
        match (cancelled?, self.get(user_id, id)?) {
            (Cancellation::Cancelled(_), task) => Some(Cancellation::Cancelled(task)),
            (Cancellation::Ended(_), task) => Some(Cancellation::Ended(task)),
        }
    }

    /// How many tasks the user has created in the window that lasts now.
    pub fn used(&self, user_id: &str, window: Window, now: Timestamp) -> u32 {
        let user = self.users.get(user_id);
        user.map_or(0, |user| user.usage.used(window, now))
    }

    fn spent(&self) -> BTreeMap<String, u64> {
        let mut spent = BTreeMap::new();
        let bookings = self.users.values().flat_map(|user| &user.bookings);
        for (_, Booking { model, change }) in bookings {
            if change.spent > 0 {
                *spent.entry(model.clone()).or_default() += change.spent.unsigned_abs();
            }
        }
        spent
    }

    /// What the user's tasks cost that were submitted in the window that lasts now.
    pub fn spending(&self, user_id: &str, window: Window, now: Timestamp) -> Spending {
        let user = self.users.get(user_id);
        user.map_or(Spending::default(), |user| user.spending(window, now))
    }

    pub fn delete(&mut self, user_id: &str, id: &str) -> bool {
        let is_theirs = |row: &Row| row.record.task.user_id == user_id;
        let is_deleted = self.tasks.get(id).is_some_and(is_theirs);
        if is_deleted {
            self.remove(id);
        }
        is_deleted
    }

    /// Removes a task in any state.
    fn remove(&mut self, id: &str) {
        let Some(Row { record, .. }) = self.tasks.remove(id) else {
            return;
        };
        self.forgotten.insert(id.to_owned());
        let task = &record.task;
        if !task.status.is_final() {
            let user = self.users.entry(task.user_id.clone()).or_default();
            user.book(task.created_at, record.settlement());
        }
    }

    /// Applies a rule to a task, and saves what it changed with all that goes
    /// with it.
    fn change<T>(
        &mut self,
        id: &str,
        gone: T,
        rule: impl FnOnce(&mut TaskRecord) -> Decision<T>,
    ) -> T {
        let Some(row) = self.tasks.get(id) else {
            return gone;
        };
        let mut record = row.record.clone();
        let Decision { answer, effects } = rule(&mut record);
        let Some(effects) = effects else {
            return answer;
        };
        let task = &mut record.task;
        let user = self.users.entry(task.user_id.clone()).or_default();
        if let Some(now) = task.completed_at {
            let mut end = now;
            if self.options.has_distinct_times {
                end = distinct(user.last_ended, now);
                user.last_ended = Some(end);
            }
            task.updated_at = Some(end);
            task.completed_at = Some(end);
        }
        let created_at = task.created_at;
        if let Some(mut concept) = effects.concept {
            concept.created_at = task.completed_at.unwrap_or(concept.created_at);
            self.concepts.insert(concept.id.clone(), *concept);
        }
        if let Some(refund) = effects.refund {
            user.usage.refund(created_at, refund);
        }
        user.book(created_at, effects.bookings);
        if effects.forgets_key {
            let task = &record.task;
            self.keys
                .retain(|_, submitted| submitted.task_id != task.id);
        }
        let row = Row {
            due_at: due_at(&record.task),
            record,
        };
        self.tasks.insert(id.to_owned(), row);
        answer
    }
}

impl User {
    fn book(&mut self, submitted_at: Timestamp, bookings: Vec<Booking>) {
        let bookings = bookings.into_iter();
        self.bookings
            .extend(bookings.map(|booking| (submitted_at, booking)));
    }

    fn spending(&self, window: Window, now: Timestamp) -> Spending {
        let start = window.start(now);
        let bookings = self.bookings.iter();
        bookings
            .filter(|(at, _)| window.start(*at) == start)
            .fold(Spending::default(), |sum, (_, booking)| {
                sum.plus(booking.change)
            })
    }
}

/// A time that is later than the last one.
fn distinct(last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    last.map_or(now, |last| last.plus(Duration::from_micros(1)).max(now))
}

/// What is known of a user.
struct Known<'a> {
    store: &'a MemoryStore,
    user_id: &'a str,
}

impl Account for Known<'_> {
    type Fault = Refusal;

    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Refusal> {
        let key = (self.user_id.to_owned(), key.to_owned());
        Ok(self.store.keys.get(&key).cloned())
    }

    fn active(&self) -> Result<Option<ActiveTasks>, Refusal> {
        let tasks = self.store.tasks_of(self.user_id);
        let active: Vec<_> = tasks.filter(|task| !task.status.is_final()).collect();
        let oldest = active.iter().min_by_key(|task| (task.created_at, &task.id));
        Ok(oldest.map(|oldest| ActiveTasks {
            count: u32::try_from(active.len()).unwrap_or(u32::MAX),
            oldest: Task::clone(oldest),
        }))
    }

    fn usage(&self) -> Result<Usage, Refusal> {
        let user = self.store.users.get(self.user_id);
        Ok(user.map(|user| user.usage.clone()).unwrap_or_default())
    }

    fn spending(&self, window: Window, now: Timestamp) -> Result<Spending, Refusal> {
        Ok(self.store.spending(self.user_id, window, now))
    }

    fn is_backlog_full(&self) -> Result<bool, Refusal> {
        Ok(self.store.tally().pending >= u64::from(self.store.options.max_backlog))
    }

    fn is_taken(&self, task_id: &str) -> Result<bool, Refusal> {
        Ok(self.store.tasks.contains_key(task_id))
    }

    fn time_of_creation(&self, now: Timestamp) -> Timestamp {
        let user = self.store.users.get(self.user_id);
        let last = user.and_then(|user| user.last_created);
        match self.store.options.has_distinct_times {
            true => distinct(last, now),
            false => now,
        }
    }
}

#[cfg(test)]
mod tests;
