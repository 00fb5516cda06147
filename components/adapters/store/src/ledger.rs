//! A user's record: all that has to change together.
//!
//! Quota, the active task with its lease, recent idempotency keys, recent tasks
//! and kept uploads stand in one record, so that each step of a task is one
//! swap of it. The functions here are pure: they take the record, what was
//! found besides and the time, and change the record or leave it. What grows
//! without end moves into segments and documents; see [`entries`] and [`keys`].

pub mod entries;
pub mod keys;
pub mod leases;
pub mod submit;
pub mod uploads;
pub mod usage;

#[cfg(test)]
mod tests;

use concept_refinement_domain::task::{Event, Status, next_status};
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::Fault;
use entries::Entry;
use keys::Key;
use uploads::Upload;
use usage::Usage;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Counts the swaps: no two records of a user are ever equal.
    version: u64,
    usage: Vec<Usage>,
    /// Of the newest entry, while its task is pending or processing.
    active: Option<Active>,
    /// Oldest first.
    keys: Vec<Key>,
    /// When the last key that was moved into a document will be forgotten.
    keys_moved_until: Option<Timestamp>,
    /// The names of the segments that hold older entries, oldest first, each of
    /// `entries::SEGMENT` entries.
    segments: Vec<String>,
    /// The newest entries, oldest first.
    entries: Vec<Entry>,
    uploads: Vec<Upload>,
}

/// What of a task changes until it is final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Active {
    pub status: Status,
    /// The fencing token of the last claim.
    pub attempt: u32,
    pub deaths: u32,
    pub updated_at: Option<Timestamp>,
    pub lease_until: Option<Timestamp>,
    /// The path of the refined image that a worker stored.
    pub checkpoint: Option<String>,
    /// The document of the concept that a worker prepared.
    pub prepared: Option<String>,
}

/// Whether a rule changed the record, which has to be swapped then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T> {
    Changed(T),
    Unchanged(T),
}

impl Ledger {
    pub fn decode(record: Option<&[u8]>) -> Result<Self, Fault> {
        match record {
            None => Ok(Self::default()),
            Some(bytes) => serde_json::from_slice(bytes)
                .map_err(|_| Fault::Invalid("The record of a user cannot be read.")),
        }
    }

    /// What to swap in.
    pub fn encode(mut self) -> Result<Vec<u8>, Fault> {
        self.version = self.version.saturating_add(1);
        serde_json::to_vec(&self).map_err(|_| Fault::Invalid("A record cannot be written."))
    }

    /// The active task and its id.
    pub fn active(&self) -> Option<(&Active, &Entry)> {
        self.active.as_ref().zip(self.entries.last())
    }

    /// The active task, if it is the one of this id.
    pub fn active_task(&self, id: &str) -> Option<&Active> {
        self.active()
            .filter(|(_, entry)| entry.task_id == id)
            .map(|(active, _)| active)
    }
}

impl Active {
    fn new() -> Self {
        Self {
            status: Status::Pending,
            attempt: 0,
            deaths: 0,
            updated_at: None,
            lease_until: None,
            checkpoint: None,
            prepared: None,
        }
    }

    /// Lets an event happen that does not end the task. False: it cannot.
    fn happen(&mut self, event: Event, now: Timestamp) -> bool {
        let Some(status) = next_status(self.status, event).filter(|status| !status.is_final())
        else {
            return false;
        };
        self.status = status;
        self.updated_at = Some(now);
        if status != Status::Processing {
            self.lease_until = None;
        }
        true
    }
}
