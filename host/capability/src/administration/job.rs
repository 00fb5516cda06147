//! Jobs: actions on all tasks that match a filter, stored and done in parts.

use std::collections::BTreeMap;

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::document::OtherFields;
use concept_refinement_domain::rulebook::{Retry, TaskRecord};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Builder;

use super::{Act, Action, TaskFilter};
use crate::tasks::Pseudonyms;

/// An action on all tasks that match a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// What is done.
    pub action: Action,
    /// To which tasks. Its `until` is set, so that no later task is among them.
    pub filter: TaskFilter,
    /// How many tasks the operator expects to match.
    pub expect: u64,
    /// Who requested it, and why.
    pub act: Act,
}

/// The outcome of starting a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStart {
    /// It is stored, either now or by an earlier request.
    Started(Box<Job>),
    /// The number of matching tasks is not the expected one, but this. Nothing was
    /// done.
    Unexpected(u64),
}

/// A job that was started. It is stored as a document (see
/// [`concept_refinement_domain::document`]), except for what is in columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// A UUID.
    #[serde(skip)]
    pub id: String,
    /// What is done.
    pub action: Action,
    /// To which tasks.
    pub filter: TaskFilter,
    /// When it was started.
    #[serde(skip)]
    pub created_at: Timestamp,
    /// None: it has not ended.
    #[serde(skip)]
    pub ended_at: Option<Timestamp>,
    /// How many tasks matched when it was started. Tasks that match only because they
    /// ended later are not among them.
    pub total: u64,
    /// Tasks on which the action succeeded.
    pub done: u64,
    /// Tasks on which the action failed.
    pub failed: u64,
    /// Why it failed, and on how many tasks. (For jobs of version 0.1.0 this is not
    /// known.)
    #[serde(default)]
    pub obstacles: BTreeMap<Obstacle, u64>,
    /// The task that was examined last. None: the job has not begun.
    #[serde(default)]
    pub position: Option<Position>,
    /// Fields that only a later version knows.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Why a job left a task alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// A later task of its user matches too.
    NotNewest,
    /// It was cancelled.
    Cancelled,
    /// A retry of it has not failed.
    Retried,
    /// Its user has a later task that is completed.
    Superseded,
    /// Its user has a task that is pending or processing.
    Active,
    /// It or its original was deleted, or it is in another state than when it was counted.
    Changed,
}

/// The result of a part of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobProgress {
    /// The job as it is now.
    pub job: Job,
    /// New tasks, which have to be published.
    pub created: Vec<Task>,
}

impl NewJob {
    /// Its id in a store with this key: the same for the same action and filter, so that a
    /// repeat finds the first job. The id reveals nothing about the filter, which may name
    /// a user.
    pub fn id(&self, pseudonyms: &Pseudonyms) -> String {
        let (action, filter) = (self.action.as_str(), self.filter.to_json());
        let hash = pseudonyms.of(&format!("job\0{action}\0{filter}"));
        let bits = hash.get(..32).map(|half| u128::from_str_radix(half, 16));
        let bits = bits.and_then(Result::ok).unwrap_or_default();
        let id = Builder::from_custom_bytes(bits.to_be_bytes());
        id.into_uuid().to_string()
    }

    /// The job as stored at its start.
    pub fn started(self, id: String, now: Timestamp) -> Job {
        Job {
            id,
            action: self.action,
            filter: self.filter,
            created_at: now,
            ended_at: None,
            total: self.expect,
            done: 0,
            failed: 0,
            obstacles: BTreeMap::new(),
            position: None,
            other: OtherFields::default(),
        }
    }
}

impl Job {
    /// The user whom it erases. None: it acts only on tasks.
    pub fn erased_user(&self) -> Option<&str> {
        let user = self.filter.user.as_deref();
        user.filter(|_| self.action == Action::Erase)
    }

    /// Counts a task that was examined.
    pub fn count<T>(&mut self, outcome: &Result<T, Obstacle>) {
        match outcome {
            Ok(_) => self.done += 1,
            Err(obstacle) => self.fail(*obstacle, 1),
        }
    }

    /// Ends the job: all tasks were examined. Tasks that were counted but not found
    /// are in another state or deleted, which is the purpose of an erasure; the job
    /// no longer names its user.
    pub fn end(&mut self, now: Timestamp) {
        if self.action == Action::Erase {
            self.filter.user = None;
            self.done = self.done.max(self.total.saturating_sub(self.failed));
        }
        let missing = self.total.saturating_sub(self.done + self.failed);
        if missing > 0 {
            self.fail(Obstacle::Changed, missing);
        }
        self.total = self.total.max(self.done + self.failed);
        self.ended_at = Some(now);
    }

    /// How many tasks have not been examined yet.
    pub fn left(&self) -> u64 {
        match self.ended_at {
            Some(_) => 0,
            None => self.total.saturating_sub(self.done + self.failed),
        }
    }

    fn fail(&mut self, obstacle: Obstacle, tasks: u64) {
        self.failed += tasks;
        *self.obstacles.entry(obstacle).or_default() += tasks;
    }
}

impl Obstacle {
    /// The new task of a retry, or why there is none.
    ///
    /// # Errors
    ///
    /// It was not retried.
    pub fn of(retry: Option<Retry>) -> Result<Box<TaskRecord>, Self> {
        match retry {
            Some(Retry::Created(record)) => Ok(record),
            Some(Retry::Active) => Err(Self::Active),
            Some(Retry::Retried) => Err(Self::Retried),
            Some(Retry::Cancelled) => Err(Self::Cancelled),
            Some(Retry::Superseded) => Err(Self::Superseded),
            Some(Retry::NotFailed | Retry::ImageGone) | None => Err(Self::Changed),
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::document;

    use super::*;

    fn new(action: Action, user: &str) -> NewJob {
        NewJob {
            action,
            filter: TaskFilter {
                user: Some(user.to_owned()),
                until: Some(Timestamp(5)),
                ..TaskFilter::default()
            },
            expect: 9,
            act: Act {
                actor: "ada".to_owned(),
                reason: "because".to_owned(),
            },
        }
    }

    #[test]
    fn the_same_again_is_the_same_job() {
        let pseudonyms = Pseudonyms::default();
        let first = new(Action::Retry, "bob");
        let again = NewJob {
            expect: 3,
            ..first.clone()
        };
        assert_eq!(first.id(&pseudonyms), again.id(&pseudonyms));
        for other in [new(Action::Delete, "bob"), new(Action::Retry, "bo")] {
            assert_ne!(first.id(&pseudonyms), other.id(&pseudonyms));
        }
        let keyed = Pseudonyms::default();
        keyed.set_key([7; 32]);
        assert_ne!(first.id(&pseudonyms), first.id(&keyed));
    }

    #[test]
    fn it_says_why_it_left_tasks_alone() {
        let mut job = new(Action::Retry, "bob").started("7".to_owned(), Timestamp(6));
        job.count(&Ok(()));
        for obstacle in [Obstacle::NotNewest, Obstacle::NotNewest, Obstacle::Retried] {
            job.count::<()>(&Err(obstacle));
        }
        job.end(Timestamp(7));
        assert_eq!((job.done, job.failed, job.total), (1, 8, 9));
        let stored = document::write(&job);
        let expected = r#""obstacles":{"not-newest":2,"retried":1,"changed":5}"#;
        assert!(stored.contains(expected), "{stored}");
        let read: Job = document::read(&stored).unwrap();
        let expected = Job {
            id: String::new(),
            created_at: Timestamp::default(),
            ended_at: None,
            ..job
        };
        assert_eq!(read, expected);
    }
}
