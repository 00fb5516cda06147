//! Checks a submission against a user's record, and adds the task to it.

use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::{Quota, Window};
use concept_refinement_domain::rulebook::{Account, Refusal};
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::Webhook;

use super::entries::{Entry, Segment};
use super::keys::Key;
use super::{Active, UserRecord};

/// A user's record, and related data that was loaded separately.
pub struct RecordedAccount<'a> {
    pub user_record: &'a UserRecord,
    /// The submission under the same key.
    pub submitted: Option<Submitted>,
    pub active: Option<Task>,
    pub is_taken: bool,
    pub now: Timestamp,
}

impl Account for RecordedAccount<'_> {
    type Fault = Refusal;

    fn submitted(&self, _: &str) -> Result<Option<Submitted>, Refusal> {
        Ok(self.submitted.clone())
    }

    fn active(&self) -> Result<Option<Task>, Refusal> {
        Ok(self.active.clone())
    }

    fn used(&self, window: Window) -> Result<u32, Refusal> {
        Ok(self.user_record.usage.used(window, self.now))
    }

    /// Always false: the number of other users' pending tasks is unknown.
    fn is_backlog_full(&self) -> Result<bool, Refusal> {
        Ok(false)
    }

    fn is_taken(&self, _: &str) -> Result<bool, Refusal> {
        Ok(self.is_taken)
    }
}

/// A created task, and the documents that must be written before the swap.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The number of the new entry.
    pub number: usize,
    pub moved_keys: Vec<Key>,
    /// A new segment and its name.
    pub moved_entries: Option<(String, Segment)>,
}

impl UserRecord {
    /// Adds a new task that was admitted by this quota, with its webhook, under the hash
    /// of its key. Its creation time may be adjusted; `name` is for a new segment.
    pub fn create(
        &mut self,
        task: &mut Task,
        webhook: Option<Webhook>,
        quota: Option<Quota>,
        hash: Option<String>,
        name: impl FnOnce() -> String,
        now: Timestamp,
    ) -> Created {
        task.created_at = self.time_of_creation(now);
        self.usage.add(quota, now);
        let moved_keys = match hash {
            Some(hash) => {
                let submitted = Submitted::of(task, webhook.as_ref());
                self.remember(Key { hash, submitted }, now)
            }
            None => Vec::new(),
        };
        let moved_entries = self.move_older(name);
        let number = self.next_number();
        self.entries.push(Entry::new(task, webhook));
        self.active = Some(Active {
            status: Status::Pending,
            attempt: 0,
            deaths: 0,
            payment: Payment::default(),
            updated_at: None,
            lease_until: None,
            lease: None,
            stage: None,
        });
        Created {
            number,
            moved_keys,
            moved_entries,
        }
    }
}
