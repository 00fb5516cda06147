//! Tasks, quotas and leases. `wit/task-store.wit` has the promises to
//! components; these traits add those that only the host needs.
//!
//! Every call is one atomic step, and its result survives a crash. Losing a
//! race is a value, not an error. There are no default methods: a backend that
//! cannot decide and write in one step does not implement this.

pub mod hub;
mod operation;
mod pseudonyms;
pub mod watchers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{
    Cancellation, Claimed, Erased, Fenced, Finished, Lease, NewTask, Position, RefinedImage,
    Submission, TaskFailure, TaskPage,
};
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::{Change, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::Answer;
use super::concepts::Concepts;
use super::room::Room;
use super::webhooks::Webhooks;

pub use operation::{TaskOperation, TaskReply};
pub use pseudonyms::Pseudonyms;

/// Options of a task store, whatever its engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a lease lasts unless it is renewed.
    pub lease: Duration,
    /// Limit of pending tasks; beyond it new tasks are refused.
    pub max_backlog: u32,
    /// Reserves space for the refined images of accepted tasks, so that each can be
    /// stored.
    pub room: Arc<Room>,
    /// The name of this host in the story of a task.
    pub host: Arc<str>,
    /// The pseudonyms under which users' tasks are counted.
    pub pseudonyms: Arc<Pseudonyms>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            max_backlog: 10_000,
            room: Arc::default(),
            host: Arc::from(""),
            pseudonyms: Arc::default(),
        }
    }
}

/// The changes of one task, until it is final or deleted.
pub type Changes = BoxStream<'static, Change>;

/// Data that was removed because of its age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many tasks.
    pub tasks: u32,
    /// How many concepts.
    pub concepts: u32,
    /// The images of the concepts, which are to be deleted.
    pub image_paths: Vec<String>,
}

/// Numbers of tasks, for monitoring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tasks that wait for a worker.
    pub pending: u64,
    /// Tasks that a worker holds.
    pub processing: u64,
    /// Tasks with a refined concept.
    pub completed: u64,
    /// Tasks with an error message.
    pub failed: u64,
    /// When the oldest pending task was created.
    pub oldest_pending: Option<Timestamp>,
    /// Tasks that failed since the store was opened because their workers died
    /// too often.
    pub given_up: u64,
    /// What accepted calls of each link cost since the store was opened, in micro-dollars.
    pub spent: BTreeMap<String, u64>,
}

/// Operations for the API.
pub trait Tasks: Send + Sync {
    /// Checks all limits and inserts a task. A repeated request finds the task that is
    /// already active, or gets the one created under its idempotency key.
    fn submit(&self, task: NewTask) -> Answer<'_, Submission>;

    /// Withdraws a task that could not be published: it fails, its quota is given back, and
    /// its idempotency key is removed. Lost if it is no longer pending.
    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced>;

    /// Stores until when an anonymous user has a session, if the user owns a task, a
    /// concept or (as the caller knows) an image. Never shortens the stored session.
    fn renew_session<'a>(
        &'a self,
        user_id: &'a str,
        until: Timestamp,
        owns_images: bool,
    ) -> Answer<'a, ()>;

    /// None: no such task, or another user's.
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>>;

    /// The user's tasks, newest first, at most `limit`, after a position.
    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage>;

    /// How many tasks the user has created in the current window, excluding those whose
    /// quota was given back.
    fn used<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, u32>;

    /// What the user's tasks cost that were submitted in the current window.
    fn spending<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, Spending>;

    /// Fails a task that has not ended. The quota is not given back. None: no such task,
    /// or another user's.
    fn cancel<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Cancellation>>;

    /// Deletes a task in any state. The quota is not given back; the concept of
    /// a completed task stays. False: no such task, or another user's.
    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, bool>;

    /// Erases the data stored about a user: at most `limit` tasks (in any state),
    /// concepts and idempotency keys, and the session. Only the quota's counts stay,
    /// under the user's pseudonym. A repeat finds nothing.
    fn erase_user<'a>(&'a self, user_id: &'a str, limit: u32) -> Answer<'a, Erased>;

    /// The current state of the task and its current stage, then each change, until the
    /// task is final or deleted. A slow reader may miss changes, but never the last one.
    /// None: no such task, or another user's.
    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>>;
}

/// Operations for a worker: holding a task for a while, and writing under the lease.
pub trait Leases: Send + Sync {
    /// Claims a task that is pending, or processing with an expired lease.
    /// None: the task is final, claimed, deleted or (if a user is given)
    /// another user's, or it failed just now because its workers died too
    /// often.
    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>>;

    /// Extends the lease. None: the lease is lost.
    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>>;

    /// Completes the task, and stores a concept with its refined image.
    fn finish<'a>(&'a self, lease: &'a Lease, image: RefinedImage) -> Answer<'a, Finished>;

    /// Fails the task.
    fn fail<'a>(&'a self, lease: &'a Lease, failure: &'a TaskFailure) -> Answer<'a, Fenced>;

    /// Stores the task's calls that may have to be paid for, replacing the previous
    /// ones. A repeat is harmless.
    fn pay<'a>(&'a self, lease: &'a Lease, payment: &'a Payment) -> Answer<'a, Fenced>;

    /// Gives the task back as pending. It does not count as a death.
    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced>;

    /// Tells current and future watchers that a stage began, if the lease is
    /// still valid. In memory only; nothing depends on it.
    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> Answer<'a, ()>;

    /// Adds a step to the story of a task, which is stored with its next change by this
    /// process. In memory until then; nothing depends on it.
    fn add_step(&self, task_id: &str, attempt: u32, kind: StepKind, detail: &str);

    /// Completes when the task is deleted or cancelled, as far as this process learns of
    /// it without asking the store; otherwise never. In any case the worker's next write
    /// finds the lease lost.
    fn revocation(&self, id: &str) -> BoxFuture<'static, ()>;
}

/// Maintenance: tasks that have to be published again, data that is too old, and the
/// state of the store.
pub trait Maintenance: Send + Sync {
    /// Tasks that need a (new) message, the longest overdue first: pending
    /// tasks that nobody claimed, and processing tasks whose lease expired. A
    /// returned task is not due again for a while, so that the sweep can sleep
    /// in between.
    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>>;

    /// Fails tasks whose deadline has passed before a worker began them, at most `limit`, the
    /// earliest first: also while the queue is paused. Returns how many of the deadlines that
    /// have passed it has looked at; fewer than `limit` only if no more are left.
    fn miss_deadlines(&self, limit: u32) -> Answer<'_, u32>;

    /// When the next deadline passes, of a task that a worker may have begun meanwhile, or that
    /// may have been deleted; in the past if it already has. None: no task has one.
    fn next_deadline(&self) -> Answer<'_, Option<Timestamp>>;

    /// The ids of pending tasks in the order in which a queue inside of this store has them
    /// claimed, at most `limit`: the task of the user first who had one claimed longest ago, or
    /// never, then that which was submitted earlier. As if the queue were not paused.
    fn claim_order(&self, limit: u32) -> Answer<'_, Vec<String>>;

    /// When the next task will be due; in the past if one already is. None: no
    /// task is pending or processing.
    fn next_due(&self) -> Answer<'_, Option<Timestamp>>;

    /// For the only user of an embedded store, at startup: ends all leases of the
    /// previous process and makes the processing tasks due. If the queue's messages are
    /// lost, the pending tasks become due too, the oldest first. Returns the number of
    /// all these tasks.
    fn recover(&self, are_messages_lost: bool) -> Answer<'_, u32>;

    /// Returns those of these images that nothing refers to now or will ever refer to. A
    /// refined image is unreferenced if its task is final or known to have been deleted,
    /// and it is not a concept's image. The original of a pending or processing task is
    /// never unreferenced. A returned image may be deleted at any later time, unless a
    /// new task names it as its original.
    ///
    /// Images of tasks that the store has never seen, and refined images whose
    /// name `refined::name` cannot read, are not returned: they may be all that
    /// is left after the loss of a database.
    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>>;

    /// Removes tasks that finished and concepts that were created before this
    /// time, at most `limit` of each, the oldest first, as if they had been
    /// deleted: quota is not given back. A concept whose image is the original
    /// of an active task stays until that task ends.
    fn expire(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired>;

    /// Removes the data of anonymous users as [`Maintenance::expire`] does: finished
    /// tasks, and concepts, whose user's last session ended before this time, so that
    /// nobody can reach them.
    fn abandon(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired>;

    /// Returns those of these users who have no stored session that lasts until this
    /// time or longer.
    fn without_session(&self, users: Vec<String>, before: Timestamp) -> Answer<'_, Vec<String>>;

    /// The last round of deletion by age. None: the store was created by this process.
    fn last_round(&self) -> Answer<'_, Option<LastRound>>;

    /// Stores a round in place of the last one.
    fn remember_round(&self, round: LastRound) -> Answer<'_, ()>;

    /// Counts all tasks. Must not block other operations, however many tasks
    /// there are.
    fn tally(&self) -> Answer<'_, Tally>;

    /// Whether the store can be read and written.
    fn check(&self) -> Answer<'_, ()>;
}

/// Everything that an engine offers. Tasks, concepts and webhooks are one store, since
/// the step that completes a task also makes its concept visible and its webhook due.
pub trait TaskStore: Tasks + Leases + Maintenance + Concepts + Webhooks {}

impl<T: Tasks + Leases + Maintenance + Concepts + Webhooks> TaskStore for T {}
