//! What an operator sees and does: the tasks of all users, the queue, and the record of
//! who did what and why.
//!
//! Each act is one atomic step together with its audit entry, so it happens once or not
//! at all. An act on everything that a filter matches is a job, which is stored: any host
//! can go on with it, and it does each task once.

mod filter;

use std::str::FromStr;
use std::time::Duration;

use concept_refinement_domain::capability::{Cancellation, Page, Position};
use concept_refinement_domain::rulebook::{Retry, TaskRecord};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use tokio::sync::watch;

use super::Answer;

pub use filter::TaskFilter;

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
    /// only the newest of each user is, since a user has one active task.
    Retry,
    /// A task that has not ended fails, and its quota is given back.
    Cancel,
    /// A task is forgotten, as if its user had deleted it.
    Delete,
    /// All tasks of a user are forgotten, and everything else of this user.
    Erase,
}

/// An act on all tasks that a filter matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// A UUID.
    pub id: String,
    /// What is done.
    pub action: Action,
    /// To which tasks. Its `until` is set, so that no later task is among them.
    pub filter: TaskFilter,
    /// How many tasks the operator expects to match.
    pub expect: u64,
    /// Who wants it, and why.
    pub act: Act,
}

/// The outcome of starting a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStart {
    /// It is stored.
    Started(Box<Job>),
    /// Not the expected number, but this many tasks match. Nothing was done.
    Unexpected(u64),
}

/// A job that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// A UUID.
    pub id: String,
    /// What is done.
    pub action: Action,
    /// To which tasks.
    pub filter: TaskFilter,
    /// When it was started.
    pub created_at: Timestamp,
    /// None: it is not over.
    pub ended_at: Option<Timestamp>,
    /// How many tasks matched when it was started. Those that ended since, and match only
    /// for that, are not among them.
    pub total: u64,
    /// Tasks to which it was done.
    pub done: u64,
    /// Tasks to which it could not be done, since they were in another state.
    pub failed: u64,
    /// The task that was looked at last. None: it has not begun.
    pub position: Option<Position>,
}

/// What a batch of a job has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobProgress {
    /// The job as it is now.
    pub job: Job,
    /// New tasks, which have to be published.
    pub created: Vec<Task>,
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
pub trait Administration: Send + Sync {
    /// The whole record of a task. None: there is none.
    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<TaskRecord>>;

    /// The tasks that a filter matches, newest first, at most `limit`, after a position.
    /// Looks at [`MAX_ROWS`] tasks at most.
    fn search(
        &self,
        filter: TaskFilter,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'_, Page<TaskRecord>>;

    /// How many tasks a filter matches. Its cost may grow with the store.
    fn count(&self, filter: TaskFilter) -> Answer<'_, u64>;

    /// Submits a failed task again, as a new one with this id. None: no such task.
    fn retry<'a>(&'a self, id: &'a str, new_id: String, act: Act) -> Answer<'a, Option<Retry>>;

    /// Fails a task that has not ended, and gives its quota back. None: no such task.
    fn cancel<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, Option<Cancellation>>;

    /// Deletes a task in any state. False: no such task.
    fn delete<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, bool>;

    /// Stores a job, if its filter matches as many tasks as expected.
    fn start_job(&self, job: NewJob) -> Answer<'_, JobStart>;

    /// A job by its id.
    fn job<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Job>>;

    /// The ids of the jobs that are not over, the oldest first.
    fn unfinished_jobs(&self) -> Answer<'_, Vec<String>>;

    /// Does a part of a job in one step: at most as many tasks as there are ids for new
    /// ones. None: there is no such job, it is over, or another host is at it.
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

impl Job {
    /// The user whom it erases. None: it only acts on tasks.
    pub fn erased_user(&self) -> Option<&str> {
        let user = self.filter.user.as_deref();
        user.filter(|_| self.action == Action::Erase)
    }

    /// It has looked at all tasks. Those that it did not meet any more are in another
    /// state, or gone, which is what an erasure wants; its user is named no longer.
    pub fn end(&mut self, now: Timestamp) {
        if self.action == Action::Erase {
            self.filter.user = None;
            self.done = self.done.max(self.total.saturating_sub(self.failed));
        }
        self.failed = self.failed.max(self.total.saturating_sub(self.done));
        self.total = self.total.max(self.done + self.failed);
        self.ended_at = Some(now);
    }

    /// How many tasks it has not looked at yet.
    pub fn left(&self) -> u64 {
        match self.ended_at {
            Some(_) => 0,
            None => self.total.saturating_sub(self.done + self.failed),
        }
    }
}
