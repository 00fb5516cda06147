//! Tasks, quotas and leases. `wit/task-store.wit` has the promises to
//! components; these traits add those that only the host needs.
//!
//! Every call is one atomic step, and its result survives a crash. Losing a
//! race is a value, not an error. There are no default methods: a backend that
//! cannot decide and write in one step does not implement this.

pub mod hub;
mod operation;
pub mod watchers;

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{
    Cancellation, Claimed, Fenced, Finished, Lease, NewTask, Position, RefinedImage, Submission,
    TaskPage,
};
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::{Change, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::Answer;
use super::concepts::Concepts;
use super::room::Room;
use super::webhooks::Webhooks;

pub use operation::{TaskOperation, TaskReply};

/// How a task store judges, whatever its engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a lease lasts unless it is renewed.
    pub lease: Duration,
    /// Pending tasks from which on new ones are refused.
    pub max_backlog: u32,
    /// What the refined images of accepted tasks reserve, so that each finds its
    /// room.
    pub room: Arc<Room>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            max_backlog: 10_000,
            room: Arc::default(),
        }
    }
}

/// The changes of one task, until it is final or deleted.
pub type Changes = BoxStream<'static, Change>;

/// What was removed because of its age.
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
}

/// What the API asks.
pub trait Tasks: Send + Sync {
    /// Judges and inserts. A repeat finds the task active, or replayed under
    /// its idempotency key.
    fn submit(&self, task: NewTask) -> Answer<'_, Submission>;

    /// Takes back a task that could not be published: it becomes failed, its
    /// quota is given back, its idempotency key forgotten. Lost if it is no
    /// longer pending.
    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced>;

    /// Stores until when an anonymous user has a session, if the user owns a
    /// task, a concept or, as the caller says, an image. An earlier time than the
    /// stored one changes nothing.
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

    /// How many tasks the user has created in the window that lasts now, without those
    /// that were given back.
    fn used<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, u32>;

    /// Ends a task that has not ended: it fails. The quota is not given back. None: no
    /// such task, or another user's.
    fn cancel<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Cancellation>>;

    /// Deletes a task in any state. The quota is not given back; the concept of
    /// a completed task stays. False: no such task, or another user's.
    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, bool>;

    /// The task as it stands and the stage that is under way, then each change,
    /// until it is final or deleted. A reader that is slow may miss changes,
    /// never the last. None: no such task, or another user's.
    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>>;
}

/// What a worker asks: to hold a task for a while, and to write under the lease.
pub trait Leases: Send + Sync {
    /// Claims a task that is pending, or processing with an expired lease.
    /// None: the task is final, claimed, deleted or (if a user is given)
    /// another user's, or it failed just now because its workers died too
    /// often.
    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>>;

    /// Extends the lease. None: the lease is lost.
    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>>;

    /// Completes the task, with a concept of its refined image.
    fn finish<'a>(&'a self, lease: &'a Lease, image: RefinedImage) -> Answer<'a, Finished>;

    /// Fails the task with a whole sentence. The stage is the one that failed,
    /// and is not stored.
    fn fail<'a>(
        &'a self,
        lease: &'a Lease,
        stage: Option<Stage>,
        error_message: &'a str,
    ) -> Answer<'a, Fenced>;

    /// Notes what the task may have to be paid for, in the place of what was noted
    /// before. A repeat is harmless.
    fn pay<'a>(&'a self, lease: &'a Lease, payment: &'a Payment) -> Answer<'a, Fenced>;

    /// Gives the task back as pending. It does not count as a death.
    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced>;

    /// Tells current and future watchers that a stage began, if the lease is
    /// still valid. In memory only; nothing depends on it.
    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> Answer<'a, ()>;

    /// Completes when the task is deleted or cancelled, as far as this process notices
    /// without asking; otherwise never. In any case the worker's next write
    /// finds the lease lost.
    fn revocation(&self, id: &str) -> BoxFuture<'static, ()>;
}

/// Upkeep: what has to be published again, what is too old, and how the store
/// is.
pub trait Maintenance: Send + Sync {
    /// Tasks that need a (new) message, the longest overdue first: pending
    /// tasks that nobody claimed, and processing tasks whose lease expired. A
    /// returned task is not due again for a while, so that the sweep can sleep
    /// in between.
    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>>;

    /// When the next task will be due; in the past if one already is. None: no
    /// task is pending or processing.
    fn next_due(&self) -> Answer<'_, Option<Timestamp>>;

    /// For the only owner of an embedded store, at its start: ends all leases
    /// of the previous process and makes the processing tasks due, and if the
    /// messages of the pending ones are lost, these too, the oldest first. Returns
    /// how many there are of both.
    fn recover(&self, are_messages_lost: bool) -> Answer<'_, u32>;

    /// Those of these images that nothing refers to and nothing ever will. A
    /// refined image is unreferenced if its task is final or is known to have
    /// been deleted, and it is no concept's image. No original of a pending or
    /// processing task is unreferenced. What is returned may be
    /// deleted at any later time, unless a new task names it as its original.
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

    /// Removes what anonymous users left, as [`Maintenance::expire`] does: tasks
    /// that finished and concepts, if the last session by which their user could
    /// reach them ended before this time.
    fn abandon(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired>;

    /// Those of these users for whom no session is stored that lasts until this
    /// time or longer.
    fn without_session(&self, users: Vec<String>, before: Timestamp) -> Answer<'_, Vec<String>>;

    /// What is remembered of the last round of deletion by age. None: the store
    /// was new with this process.
    fn last_round(&self) -> Answer<'_, Option<LastRound>>;

    /// Remembers a round in place of the last one.
    fn remember_round(&self, round: LastRound) -> Answer<'_, ()>;

    /// Counts all tasks. Must not block other operations, however many tasks
    /// there are.
    fn tally(&self) -> Answer<'_, Tally>;

    /// Whether the store can be read and written.
    fn check(&self) -> Answer<'_, ()>;
}

/// What an engine offers. Tasks and concepts are one store, since a concept
/// becomes visible in the step that completes its task; and a delivery of a webhook
/// is due by that step.
pub trait TaskStore: Tasks + Leases + Maintenance + Concepts + Webhooks {}

impl<T: Tasks + Leases + Maintenance + Concepts + Webhooks> TaskStore for T {}
