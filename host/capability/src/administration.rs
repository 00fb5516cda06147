//! What an operator sees and does: the tasks of all users, the queue, and the record of
//! who did what and why.
//!
//! Each act is one atomic step together with its audit entry, so it happens once or not
//! at all. An act on everything that a filter matches is a job, which is stored: any host
//! can go on with it, and it does each task once.

mod filter;
mod job;
mod seats;

use std::str::FromStr;
use std::time::Duration;

use concept_refinement_domain::capability::{Cancellation, Page, Position};
use concept_refinement_domain::rulebook::{Retry, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;
use tokio::sync::watch;

use super::Answer;

pub use filter::TaskFilter;
pub use job::{Job, JobProgress, JobStart, NewJob, Obstacle};
pub use seats::{SEATS, Seats};

/// Most rows that a search looks at. If it looks for what no index has, its page may be
/// short, or even empty, and the next one goes on.
pub const MAX_ROWS: usize = 10_000;

/// How long audit entries and ended jobs are kept.
pub const AUDIT_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Who does something, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// As far as the host can know it.
    pub actor: String,
    /// In the operator's words.
    pub reason: String,
}

/// What can be done to a task, or to all that a filter matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A failed task is submitted again, as a new one. Of the tasks that a filter matches
    /// only the newest of each user is, if the user may still want it.
    Retry,
    /// A task that has not ended fails, and its quota is given back.
    Cancel,
    /// A task is forgotten, as if its user had deleted it.
    Delete,
    /// All tasks of a user are forgotten, and everything else of this user.
    Erase,
}

/// Something that an operator did.
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
    /// To how many tasks; the pending ones, where it was done to the queue.
    pub count: u64,
}

/// What waits, and what is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Whether nothing is claimed.
    pub is_paused: bool,
    /// Tasks that are pending.
    pub pending: u64,
    /// Tasks that are being worked on.
    pub processing: u64,
    /// When the oldest pending task was created.
    pub oldest_pending: Option<Timestamp>,
}

/// The operator's view of a task store.
///
/// What may read many tasks takes one of a few [`Seats`], and fails if none gets free in
/// time, so that users always have connections of their own.
pub trait Administration: Send + Sync {
    /// The whole record of a task. None: there is none.
    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<TaskRecord>>;

    /// The tasks that a filter matches, newest first, at most `limit`, after a position.
    /// Looks at [`MAX_ROWS`] tasks at most. Leaves out what cannot be read, which is logged.
    /// Takes a seat.
    fn search(
        &self,
        filter: TaskFilter,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'_, Page<TaskRecord>>;

    /// How many tasks a filter matches. Its cost may grow with the store. Takes a seat.
    fn count(&self, filter: TaskFilter) -> Answer<'_, u64>;

    /// Submits a failed task again, as a new one with this id. None: no such task.
    fn retry<'a>(&'a self, id: &'a str, new_id: String, act: Act) -> Answer<'a, Option<Retry>>;

    /// Fails a task that has not ended, and gives its quota back. None: no such task.
    fn cancel<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, Option<Cancellation>>;

    /// Deletes a task in any state. False: no such task.
    fn delete<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, bool>;

    /// Stores a job, if its filter matches as many tasks as expected. If there is one of the
    /// same action and filter, whatever has become of it, answers that one. Takes a seat.
    fn start_job(&self, job: NewJob) -> Answer<'_, JobStart>;

    /// A job by its id.
    fn job<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Job>>;

    /// The ids of the jobs that are not over, the oldest first.
    fn unfinished_jobs(&self) -> Answer<'_, Vec<String>>;

    /// Does a part of a job in one step: acts on at most as many tasks as there are ids for
    /// new ones, and looks at a bounded number. None: there is no such job, it is over, or
    /// somebody else is at it.
    fn advance_job<'a>(
        &'a self,
        id: &'a str,
        new_ids: Vec<String>,
    ) -> Answer<'a, Option<JobProgress>>;

    /// The state of the queue. Its cost grows with the tasks that have not ended, and not
    /// with the store.
    fn queue(&self) -> Answer<'_, QueueState>;

    /// Whether the queue is paused: nothing is claimed and nothing is due.
    fn is_paused(&self) -> Answer<'_, bool>;

    /// Pauses the queue, or resumes it. When it is resumed, all pending tasks are due, since
    /// their messages may be lost. False: it was so already.
    fn set_paused(&self, is_paused: bool, act: Act) -> Answer<'_, bool>;

    /// Changes whenever an operator may have paused or resumed the queue, or started a job,
    /// on another host. It may be missed. None: no other host has this store.
    fn operations(&self) -> Option<watch::Receiver<u64>>;

    /// What operators did, the latest first, at most `limit`, before this number.
    fn audit(&self, limit: u32, before: Option<u64>) -> Answer<'_, Vec<AuditEntry>>;

    /// Removes audit entries and ended jobs from before this time.
    fn prune_audit(&self, before: Timestamp) -> Answer<'_, ()>;
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Retry, Self::Cancel, Self::Delete, Self::Erase];

    /// As used in JSON and in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
            Self::Erase => "erase",
        }
    }
}

impl FromStr for Action {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter();
        all.find(|action| action.as_str() == text).ok_or(())
    }
}
