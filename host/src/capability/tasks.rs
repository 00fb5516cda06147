//! Tasks, their quota and their leases. The promises stand in
//! `wit/task-store.wit`; here come with them those that only the host relies on.
//!
//! Every call is one atomic step, and what it answered with success survives a
//! crash. Losing a race is a value, never an error. A backend that cannot judge
//! and write in one step does not implement this: nothing here has a default.

mod link;
mod operation;
#[cfg(test)]
pub(crate) mod samples;
pub mod sqlite;
pub(crate) mod watchers;

use std::time::Duration;

use concept_refinement_domain::capability::{
    Claimed, Deleted, Fenced, Lease, NewTask, Position, Submission, TaskPage,
};
use concept_refinement_domain::concept::NewConcept;
use concept_refinement_domain::task::{Change, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::Answer;
use super::concepts::Concepts;

pub use operation::{TaskOperation, TaskReply};

/// How a task store judges, whatever its engine.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a worker holds a task without renewing its lease.
    pub lease: Duration,
    /// With so many pending tasks nothing more is accepted.
    pub max_backlog: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            max_backlog: 10_000,
        }
    }
}

/// The changes of one task, until it is final or deleted.
pub type Changes = BoxStream<'static, Change>;

/// What was forgotten because of its age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many tasks.
    pub tasks: u32,
    /// How many concepts.
    pub concepts: u32,
    /// The images of the concepts, which are to be deleted.
    pub image_paths: Vec<String>,
}

/// How many tasks there are, for whoever watches over the service.
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
    /// How many tasks were failed since the store was opened, because their
    /// workers died too often.
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

    /// Forgets a task in any state. Its quota is not given back, a finished
    /// task's concept stays. None: no such task, or another user's.
    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Deleted>>;

    /// The task as it stands and the stage that is under way, then each change,
    /// until it is final or deleted. A reader that is slow may miss changes,
    /// never the last. None: no such task, or another user's.
    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>>;
}

/// What a worker asks: to hold a task for a while, and to write under the lease.
pub trait Leases: Send + Sync {
    /// Takes a task for a worker: one that is pending, or processing with its
    /// lease run out. None: done, taken, gone, another user's where a user is
    /// given, or failed here because its workers died too often.
    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>>;

    /// Holds the task for another while. None: lost.
    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>>;

    /// Remembers the stored refined image for whoever may have to go on.
    fn checkpoint<'a>(&'a self, lease: &'a Lease, image_path: &'a str) -> Answer<'a, Fenced>;

    /// Prepares the concept of a claimed task, which nobody sees before
    /// `complete`. One a task: a repeat replaces what was prepared and answers
    /// the same id. None: the lease is lost.
    fn put_concept<'a>(
        &'a self,
        lease: &'a Lease,
        concept: NewConcept,
    ) -> Answer<'a, Option<String>>;

    /// Completes the task and makes its prepared concept, which has to be
    /// `result_id`, visible.
    fn complete<'a>(&'a self, lease: &'a Lease, result_id: &'a str) -> Answer<'a, Fenced>;

    /// Fails the task with a whole sentence; a prepared concept is dropped. The
    /// stage is the one that failed, and is not stored.
    fn fail<'a>(
        &'a self,
        lease: &'a Lease,
        stage: Option<Stage>,
        error_message: &'a str,
    ) -> Answer<'a, Fenced>;

    /// Gives the task back as pending. It does not count as a death.
    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced>;

    /// Tells those who watch, and who begin to until the next one, that a stage
    /// began, if the lease still holds. It is kept in memory only, and nothing
    /// depends on it.
    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> Answer<'a, ()>;

    /// Ends once the task is deleted from now on, as far as this process can
    /// tell without asking, and never otherwise: whoever works on the task
    /// finds its lease lost, later.
    fn deletion(&self, id: &str) -> BoxFuture<'static, ()>;
}

/// Upkeep: what has to be published again, what is too old, and how the store
/// is.
pub trait Maintenance: Send + Sync {
    /// Tasks that need a (new) message, the longest overdue first: pending ones
    /// that nobody took, and processing ones whose lease ran out. A task that
    /// is answered here is not due again before another while has passed, so
    /// that a sweep that publishes them can sleep in between.
    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>>;

    /// When the next task will be due; in the past if one is. None: no task is
    /// pending or processing.
    fn next_due(&self) -> Answer<'_, Option<Timestamp>>;

    /// For the sole owner of an embedded store, at its start and never later:
    /// ends the leases of the process before it, and makes all pending and
    /// processing tasks due, the oldest first. Answers how many there are.
    fn recover(&self) -> Answer<'_, u32>;

    /// Those of these images that nothing refers to and nothing ever will: of
    /// the refined ones, those of a task that is known, or known to have been
    /// forgotten, except a concept's, a checkpoint, and what a worker that has
    /// its lease may yet store; of all of them, except the originals of pending
    /// and processing tasks. What is answered here may be deleted at any later
    /// time, except that a new task may name it as its original.
    ///
    /// An image of a task that was never known is not answered, and neither is
    /// a refined one with another name than `refined::name` gives: they may be
    /// all that is left after the loss of a database.
    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>>;

    /// Forgets tasks that were finished and concepts that were made before
    /// then, at most `limit` of each, the oldest first. What is forgotten is
    /// gone as if it had been deleted: quota is not given back. A concept whose
    /// image is the original of a pending or processing task stays as long.
    fn expire(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired>;

    /// Counts all tasks. It must not keep others waiting, however many there
    /// are.
    fn tally(&self) -> Answer<'_, Tally>;

    /// Whether the store can be used, for writing too.
    fn check(&self) -> Answer<'_, ()>;
}

/// What an engine offers. Tasks and concepts are one store, since a concept
/// becomes visible in the step that completes its task.
pub trait TaskStore: Tasks + Leases + Maintenance + Concepts {}

impl<T: Tasks + Leases + Maintenance + Concepts> TaskStore for T {}
