//! A user's tasks and concepts, in order of creation.
//!
//! There is one entry per task. The newest entries are in the user's record, older ones in
//! segments of a fixed size, which are separate records, so that an entry can be found by
//! its number. A segment gets a new random name and is written before the swap that moves
//! its entries there; if the swap fails, nothing refers to the segment.
//!
//! An active task stays in the record, and so do all newer ones: while a task waits and
//! others of its user end, the record grows with each of them.
//!
//! Concepts are listed in the order in which their tasks ended. That is the order of the
//! entries, unless several tasks were active at a time: see [`SegmentRef`].

use std::mem;
use std::time::Duration;

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::concept;
use concept_refinement_domain::document::OtherFields;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::DeliveryRecord;
use serde::{Deserialize, Serialize};

use super::UserRecord;
use super::active::Active;
use crate::documents::{self, Document};
use crate::ports::Fault;

/// Entries per segment.
pub const SEGMENT: usize = 32;

/// The children of a concept that can be found: as many as a lineage shows.
pub const MAX_CHILDREN: usize = 100;

/// Minimum time between two entries.
const MOMENT: Duration = Duration::from_micros(1);

/// An entry. It is never removed, since entries are found by number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub task_id: String,
    pub created_at: Timestamp,
    pub task_is_deleted: bool,
    /// The task while it is pending or processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Active>,
    /// None: the task is active, or was deleted while active.
    pub end: Option<End>,
    /// The delivery of its webhook, if it has one. Deleted with the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryRecord>,
    /// The numbers of the latest tasks that refined the image of this one's concept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<usize>,
    #[serde(flatten)]
    other: OtherFields,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    pub status: Status,
    pub at: Timestamp,
    /// The name of the document.
    pub document: String,
    /// Whether the concept exists.
    pub has_concept: bool,
    #[serde(flatten)]
    pub(super) other: OtherFields,
}

/// A segment, as its user's record refers to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentRef {
    pub name: String,
    /// The latest end of a task in this segment or an older one: those that end a page of
    /// concepts after it do not have to be read. None: in 0.1, where tasks ended in the
    /// order of the entries, or if no task ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<Timestamp>,
    #[serde(flatten)]
    other: OtherFields,
}

/// Older entries, which change only by deletion or delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Counts the swaps.
    version: u64,
    pub entries: Vec<Entry>,
    #[serde(flatten)]
    other: OtherFields,
}

impl Document for Segment {
    const UNREADABLE: &str = "Older tasks of a user cannot be read.";
}

impl Entry {
    /// The entry of a new task.
    pub(super) fn new(record: TaskRecord) -> Self {
        Self {
            active: Some(Active::new(&record)),
            task_id: record.task.id,
            created_at: record.task.created_at,
            task_is_deleted: false,
            end: None,
            delivery: record.delivery,
            children: Vec::new(),
            other: OtherFields::default(),
        }
    }

    /// None: the task was deleted while it was active.
    pub fn status(&self) -> Option<Status> {
        let active = self.active.as_ref().map(|active| active.status);
        active.or(self.end.as_ref().map(|end| end.status))
    }

    pub fn has_concept(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.has_concept)
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

    pub fn delete_task(&mut self) {
        self.task_is_deleted = true;
        self.active = None;
        self.delivery = None;
    }

    /// None: it is one already, or there is no concept.
    pub fn add_child(&mut self, number: usize) -> Option<()> {
        if !self.has_concept() || self.children.contains(&number) {
            return None;
        }
        self.children.push(number);
        let beyond = self.children.len().saturating_sub(MAX_CHILDREN);
        self.children.drain(..beyond);
        Some(())
    }

    /// Removes the concept, and returns the name of the document that has it. `document`:
    /// the name of the one that replaces it. None: there is no concept.
    pub fn delete_concept(&mut self, document: &str) -> Option<String> {
        let end = self.end.as_mut().filter(|end| end.has_concept)?;
        end.has_concept = false;
        self.children.clear();
        Some(mem::replace(&mut end.document, document.to_owned()))
    }
}

impl Segment {
    pub fn decode(record: Option<&[u8]>) -> Result<Self, Fault> {
        documents::decode(record.unwrap_or_default())
    }

    pub fn encode(mut self) -> Vec<u8> {
        self.version = self.version.saturating_add(1);
        documents::encode(&self)
    }
}

impl UserRecord {
    /// The number of the oldest entry in the record.
    fn first_number(&self) -> usize {
        self.segments.len().saturating_mul(SEGMENT)
    }

    /// The number of the next entry.
    pub fn next_number(&self) -> usize {
        self.first_number().saturating_add(self.entries.len())
    }

    /// The name of the segment with the entry of this number, and its place there. None: it
    /// is in no segment, but may be in the record.
    pub fn segment_of(&self, number: usize) -> Option<(&str, usize)> {
        let segment = self.segments.get(number / SEGMENT)?;
        Some((segment.name.as_str(), number % SEGMENT))
    }

    /// The entry with this number, if it is in the record.
    pub fn entry(&self, number: usize) -> Option<&Entry> {
        self.entries.get(number.checked_sub(self.first_number())?)
    }

    pub fn entry_mut(&mut self, number: usize) -> Option<&mut Entry> {
        let index = number.checked_sub(self.first_number())?;
        self.entries.get_mut(index)
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// Newest first.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentRef> {
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
        let newest = self.last_end(&self.entries);
        newest.map_or(now, |newest| newest.plus(MOMENT).max(now))
    }

    /// When the last task ended of these entries and those in segments.
    fn last_end(&self, entries: &[Entry]) -> Option<Timestamp> {
        let in_segments = self.segments.last().and_then(|segment| segment.last_end);
        let ends = entries.iter().filter_map(|entry| entry.end.as_ref());
        ends.map(|end| end.at).max().max(in_segments)
    }

    /// If there are too many entries, moves the older ones to a segment of this name and
    /// returns it; it must be written before the swap. Active tasks are never moved.
    pub(super) fn move_older(
        &mut self,
        name: impl FnOnce() -> String,
    ) -> Option<(String, Segment)> {
        let mut oldest = self.entries.iter().take(SEGMENT);
        if self.entries.len() < SEGMENT * 2 || oldest.any(|entry| entry.active.is_some()) {
            return None;
        }
        let entries: Vec<_> = self.entries.drain(..SEGMENT).collect();
        let name = name();
        self.segments.push(SegmentRef {
            last_end: self.last_end(&entries),
            name: name.clone(),
            other: OtherFields::default(),
        });
        let segment = Segment {
            version: 0,
            entries,
            other: OtherFields::default(),
        };
        Some((name, segment))
    }
}
