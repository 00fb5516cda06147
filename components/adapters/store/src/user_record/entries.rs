//! A user's tasks and concepts, in order of creation.
//!
//! There is one entry per task: a user has one active task at a time, so concepts are in
//! the order of their tasks. The newest entries are in the user's record, older ones in
//! segments of a fixed size, which are separate records, so that an entry can be found by
//! its number. A segment gets a new random name and is written before the swap that moves
//! its entries there; if the swap fails, nothing refers to the segment.

use std::time::Duration;

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::concept;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryRecord, Webhook};
use serde::{Deserialize, Serialize};

use super::UserRecord;
use crate::ports::Fault;

/// Entries per segment.
pub const SEGMENT: usize = 32;

/// Minimum time between two entries.
const MOMENT: Duration = Duration::from_micros(1);

/// An entry. It is never removed, since entries are found by number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub task_id: String,
    pub created_at: Timestamp,
    pub task_is_deleted: bool,
    /// None: the task is active, or was deleted while active.
    pub end: Option<End>,
    /// The delivery of its webhook, if it has one. Deleted with the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryRecord>,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    pub status: Status,
    pub at: Timestamp,
    /// The name of the document with the concept or the error message.
    pub document: String,
    /// Whether the concept exists.
    pub has_concept: bool,
}

/// Older entries, which change only by deletion or delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Counts the swaps.
    version: u64,
    pub entries: Vec<Entry>,
}

/// The location of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location<'a> {
    Record(usize),
    /// In the segment of this name.
    Segment(&'a str, usize),
}

impl Entry {
    pub(super) fn new(task: &Task, webhook: Option<Webhook>) -> Self {
        Self {
            task_id: task.id.clone(),
            created_at: task.created_at,
            task_is_deleted: false,
            end: None,
            delivery: webhook.map(DeliveryRecord::new),
        }
    }

    pub fn position_of_task(&self) -> Position {
        Position {
            created_at: self.created_at,
            id: self.task_id.clone(),
        }
    }

    /// None: there is no concept, or no longer.
    pub fn position_of_concept(&self) -> Option<Position> {
        let end = self.end.as_ref().filter(|end| end.has_concept)?;
        Some(Position {
            created_at: end.at,
            id: concept::id_for(&self.task_id),
        })
    }

    /// Whether an attempt to deliver the task's webhook is due.
    pub fn is_due(&self, task: &Task, now: Timestamp) -> bool {
        let delivery = self.delivery.clone();
        delivery.is_some_and(|mut delivery| delivery.begin(task, None, now).is_some())
    }

    /// False: the entry belongs to another task, or the task is already deleted.
    pub fn delete_task(&mut self, id: &str) -> bool {
        let is_there = self.task_id == id && !self.task_is_deleted;
        if is_there {
            self.task_is_deleted = true;
            self.delivery = None;
        }
        is_there
    }

    /// Removes the concept, and returns the name of its document. None: the entry belongs
    /// to another task, or has no concept.
    pub fn delete_concept(&mut self, task_id: &str) -> Option<String> {
        let end = self.end.as_mut().filter(|end| end.has_concept)?;
        if self.task_id != task_id {
            return None;
        }
        end.has_concept = false;
        Some(end.document.clone())
    }
}

impl Segment {
    pub fn decode(record: Option<&[u8]>) -> Result<Self, Fault> {
        record
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .ok_or(Fault::Invalid("Older tasks of a user cannot be read."))
    }

    pub fn encode(mut self) -> Result<Vec<u8>, Fault> {
        self.version = self.version.saturating_add(1);
        serde_json::to_vec(&self).map_err(|_| Fault::Invalid("A segment cannot be written."))
    }
}

impl UserRecord {
    /// The number of the next entry.
    pub fn next_number(&self) -> usize {
        self.segments
            .len()
            .saturating_mul(SEGMENT)
            .saturating_add(self.entries.len())
    }

    pub fn location(&self, number: usize) -> Option<Location<'_>> {
        let in_record = self.segments.len().saturating_mul(SEGMENT);
        match number.checked_sub(in_record) {
            Some(index) => (index < self.entries.len()).then_some(Location::Record(index)),
            None => {
                let name = self.segments.get(number / SEGMENT)?;
                Some(Location::Segment(name, number % SEGMENT))
            }
        }
    }

    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// Newest first.
    pub fn segments(&self) -> impl Iterator<Item = &String> {
        self.segments.iter().rev()
    }

    /// The creation time for a new task: different for all tasks of a user, and
    /// increasing, whatever the clock does.
    pub(super) fn time_of_creation(&self, now: Timestamp) -> Timestamp {
        let newest = self.entries.last().map(|entry| entry.created_at);
        newest.map_or(now, |newest| newest.plus(MOMENT).max(now))
    }

    /// The time for a task that ends now, and for its concept; also always increasing.
    pub(super) fn time_of_end(&self, now: Timestamp) -> Timestamp {
        let ended = |entry: &Entry| entry.end.as_ref().map(|end| end.at);
        let newest = self.entries.iter().rev().find_map(ended);
        newest.map_or(now, |newest| newest.plus(MOMENT).max(now))
    }

    /// If there are too many entries, moves the older ones to a segment of this name and
    /// returns it; it must be written before the swap.
    pub(super) fn move_older(
        &mut self,
        name: impl FnOnce() -> String,
    ) -> Option<(String, Segment)> {
        if self.entries.len() < SEGMENT * 2 {
            return None;
        }
        let entries = self.entries.drain(..SEGMENT).collect();
        let name = name();
        self.segments.push(name.clone());
        Some((
            name,
            Segment {
                version: 0,
                entries,
            },
        ))
    }

    /// Applies a rule to an entry in the record. None: nothing changed.
    pub fn change_entry<T>(
        &mut self,
        index: usize,
        rule: impl FnOnce(&mut Entry) -> Option<T>,
    ) -> Option<T> {
        let changed = rule(self.entries.get_mut(index)?)?;
        let active = self.active();
        if active.is_some_and(|(_, entry)| entry.task_is_deleted) {
            self.active = None;
        }
        Some(changed)
    }
}
