//! A user's record: everything that has to change together.
//!
//! Quota, active tasks with their leases, recent idempotency keys, recent tasks and the
//! slots of uploads are in one record, so that each step of a task is a single swap. The
//! domain's rulebook decides what a step may do; the functions here are pure, and only
//! load and save the data. Unbounded data is moved to segments and documents; see
//! [`entries`] and [`keys`].
//!
//! A record is written as a whole, so each active task makes the steps of the others a
//! little slower: a thousand of them take about half a megabyte.

pub mod active;
pub mod entries;
mod erasure;
pub mod keys;
pub mod submit;
pub mod uploads;

#[cfg(test)]
mod tests;

use concept_refinement_domain::document::OtherFields;
use concept_refinement_domain::quota::Usage;
use concept_refinement_domain::spending::RecentSpending;
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::documents::{self, Document};
use crate::from_0_1;
use crate::ports::Fault;
use entries::{Entry, SegmentRef};
use keys::Key;
use uploads::Upload;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Counts the swaps, so that no two versions of a record are equal.
    version: u64,
    pub(crate) usage: Usage,
    #[serde(default, skip_serializing_if = "RecentSpending::is_empty")]
    pub(crate) spending: RecentSpending,
    /// Oldest first.
    keys: Vec<Key>,
    /// When the last of the keys that were moved to documents expires.
    keys_moved_until: Option<Timestamp>,
    /// The segments with older entries, oldest first; each has `entries::SEGMENT` entries.
    segments: Vec<SegmentRef>,
    /// The newest entries, oldest first. 0.1 calls them `entries`: an instance of it that
    /// still runs refuses this record, instead of losing what it does not know.
    #[serde(rename = "tasks")]
    entries: Vec<Entry>,
    uploads: Vec<Upload>,
    #[serde(flatten)]
    other: OtherFields,
}

impl Document for UserRecord {
    const UNREADABLE: &str = "The record of a user cannot be read.";

    fn convert_from_0_1(record: &mut OtherFields) {
        from_0_1::user_record(record);
    }
}

/// Whether the record was changed and has to be swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T> {
    Changed(T),
    Unchanged(T),
}

impl UserRecord {
    pub fn decode(record: Option<&[u8]>) -> Result<Self, Fault> {
        record.map_or_else(|| Ok(Self::default()), documents::decode)
    }

    /// The encoded record.
    pub fn encode(mut self) -> Vec<u8> {
        self.version = self.version.saturating_add(1);
        documents::encode(&self)
    }
}
