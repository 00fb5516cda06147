//! Checks a submission against a user's record, and adds the task to it.

use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::quota::{Usage, Window};
use concept_refinement_domain::rulebook::{Account, ActiveTasks, Creation, Refusal};
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::timestamp::Timestamp;

use super::UserRecord;
use super::entries::{Entry, Segment};
use super::keys::{self, Key};
use crate::documents::TaskDocument;

/// A user's record, and related data that was loaded separately.
pub struct RecordedAccount<'a> {
    pub user_record: &'a UserRecord,
    /// The submission under the same key.
    pub submitted: Option<Submitted>,
    pub active: Option<ActiveTasks>,
    pub is_taken: bool,
}

impl Account for RecordedAccount<'_> {
    type Fault = Refusal;

    fn submitted(&self, _: &str) -> Result<Option<Submitted>, Refusal> {
        Ok(self.submitted.clone())
    }

    fn active(&self) -> Result<Option<ActiveTasks>, Refusal> {
        Ok(self.active.clone())
    }

    fn usage(&self) -> Result<Usage, Refusal> {
        Ok(self.user_record.usage.clone())
    }

    fn spending(&self, window: Window, now: Timestamp) -> Result<Spending, Refusal> {
        Ok(self.user_record.spending.within(window, now))
    }

    /// Always false: the number of other users' pending tasks is unknown.
    fn is_backlog_full(&self) -> Result<bool, Refusal> {
        Ok(false)
    }

    fn is_taken(&self, _: &str) -> Result<bool, Refusal> {
        Ok(self.is_taken)
    }

    fn time_of_creation(&self, now: Timestamp) -> Timestamp {
        self.user_record.time_of_creation(now)
    }
}

/// The documents of a created task, which must be written before the swap.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    pub document: TaskDocument,
    pub moved_keys: Vec<Key>,
    /// A new segment and its name.
    pub moved_entries: Option<(String, Segment)>,
}

impl UserRecord {
    /// Adds a new task that was admitted. `name` is for a new segment.
    pub fn create(
        &mut self,
        creation: Creation,
        name: impl FnOnce() -> String,
        now: Timestamp,
    ) -> Created {
        let submitted = creation.submitted();
        let Creation {
            record,
            usage,
            idempotency_key,
        } = creation;
        self.usage = usage;
        self.spending
            .book(record.task.created_at, &record.reserved(), now);
        let moved_keys = match idempotency_key {
            Some(key) => self.remember(Key::new(keys::hash(&key), submitted), now),
            None => Vec::new(),
        };
        let moved_entries = self.move_older(name);
        let document = TaskDocument::new(&record, self.next_number());
        self.entries.push(Entry::new(record));
        Created {
            document,
            moved_keys,
            moved_entries,
        }
    }
}
