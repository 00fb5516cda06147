//! The administration of a store: the tasks of all users, the queue, and the audit of
//! who did what and why.
//!
//! Each action is one atomic step together with its audit entry, so it happens once or
//! not at all. An action on all tasks that match a filter is a stored job: any host can
//! continue it, and it acts on each task once.

mod filter;
mod job;
mod seats;
mod usage;

use std::time::Duration;

use concept_refinement_domain::capability::{Cancellation, Page, Position};
use concept_refinement_domain::rulebook::{Retry, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::words;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Answer;

pub use filter::TaskFilter;
pub use job::{Job, JobProgress, JobStart, NewJob, Obstacle};
pub use seats::{SEATS, Seat, Seats};
pub use usage::{MAX_SUMS, UsageGroup, UsageQuery, UsageSum};

/// Most rows that a search examines. If no index fits the filter, a page may be short,
/// or even empty, and the next page continues.
pub const MAX_ROWS: usize = 10_000;

/// How long audit entries and ended jobs are kept.
pub const AUDIT_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Who acts, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The name, as far as the host can know it.
    pub actor: String,
    /// The reason, in the operator's words.
    pub reason: String,
}

words! {
    /// An action on a task, or on all tasks that match a filter.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Action {
        /// Submits a failed task again, as a new one. With a filter, only each user's newest
        /// matching task is submitted again, if the user may still want it.
        Retry = "retry",
        /// Fails a task that has not ended, and gives its quota back.
        Cancel = "cancel",
        /// Deletes a task, as its user could.
        Delete = "delete",
        /// Deletes all tasks of a user, and everything else of this user.
        Erase = "erase",
    }
}

/// An entry of the audit: one action of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Greater than that of every earlier entry.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// `retry`, `cancel`, `delete`, `erase`, `pause` or `resume`.
    pub action: String,
    /// A task's id, a filter in JSON, or `queue`.
    pub target: String,
    /// Why.
    pub reason: String,
    /// The number of affected tasks; for the queue, the number of pending tasks.
    pub count: u64,
}

/// How many tasks wait and are in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Whether the queue is paused, so that no task is claimed.
    pub is_paused: bool,
    /// Tasks that are pending.
    pub pending: u64,
    /// Tasks that are being worked on.
    pub processing: u64,
    /// When the oldest pending task was created.
    pub oldest_pending: Option<Timestamp>,
}

/// What operators see and control besides tasks: the queue, the jobs and the audit.
pub trait Oversight: Send + Sync {
    /// A job by its id.
    fn job<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Job>>;

    /// The ids of the jobs that have not ended, the oldest first.
    fn unfinished_jobs(&self) -> Answer<'_, Vec<String>>;

    /// The state of the queue. The cost grows with the tasks that have not ended, and not
    /// with the store.
    fn queue(&self) -> Answer<'_, QueueState>;

    /// Whether the queue is paused: nothing is claimed and nothing is due.
    fn is_paused(&self) -> Answer<'_, bool>;

    /// Pauses the queue, or resumes it. When it is resumed, all pending tasks are due,
    /// because their messages may be lost. False: it was already in this state.
    fn set_paused(&self, is_paused: bool, act: Act) -> Answer<'_, bool>;

    /// Changes whenever an operator may have paused or resumed the queue, or started a job,
    /// on another host. A change may be missed. None: no other host uses this store.
    fn operations(&self) -> Option<watch::Receiver<()>>;

    /// Audit entries, the latest first, at most `limit`, before this number.
    fn audit(&self, limit: u32, before: Option<u64>) -> Answer<'_, Vec<AuditEntry>>;

    /// What users spent, in the order of the names, at most [`MAX_SUMS`] and one that says that
    /// there are more. The cost grows with the users and hours that it covers.
    fn usage(&self, query: UsageQuery) -> Answer<'_, Vec<UsageSum>>;

    /// Removes audit entries and ended jobs from before this time.
    fn prune_audit(&self, before: Timestamp) -> Answer<'_, ()>;
}

/// The operators' operations on a task store.
///
/// An operation that may read many tasks takes one of a few [`Seats`], and fails if none
/// is free in time, so that there are always connections for users.
pub trait Administration: Oversight {
    /// The whole record of a task. None: there is none.
    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<TaskRecord>>;

    /// The tasks that match a filter, newest first, at most `limit`, after a position.
    /// Examines at most [`MAX_ROWS`] tasks. Leaves out rows that cannot be read, and logs
    /// them. Takes a seat.
    fn search(
        &self,
        filter: TaskFilter,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'_, Page<TaskRecord>>;

    /// How many tasks match a filter. The cost may grow with the store. Takes a seat.
    fn count(&self, filter: TaskFilter) -> Answer<'_, u64>;

    /// Submits a failed task again, as a new one with this id. None: no such task.
    fn retry<'a>(&'a self, id: &'a str, new_id: String, act: Act) -> Answer<'a, Option<Retry>>;

    /// Fails a task that has not ended, and gives its quota back. None: no such task.
    fn cancel<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, Option<Cancellation>>;

    /// Deletes a task in any state. False: no such task.
    fn delete<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, bool>;

    /// Stores a job, if its filter matches the expected number of tasks. If there already
    /// is a job with the same action and filter, in whatever state, returns that one. Takes
    /// a seat.
    fn start_job(&self, job: NewJob) -> Answer<'_, JobStart>;

    /// Does a part of a job in one step: acts on at most as many tasks as there are ids for
    /// new ones, and examines a bounded number. None: there is no such job, it has ended,
    /// or another host is working on it.
    fn advance_job<'a>(
        &'a self,
        id: &'a str,
        new_ids: Vec<String>,
    ) -> Answer<'a, Option<JobProgress>>;
}
