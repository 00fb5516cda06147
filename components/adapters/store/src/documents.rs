//! The contents of documents. For their names see [`crate::names`].
//!
//! Records and documents bear the version of their form, like the domain's documents that
//! they contain. Those of 0.1 bear none; see [`crate::from_0_1`].

use concept_refinement_domain::concept::ConceptContent;
use concept_refinement_domain::document::{self, FromStored as _, OtherFields, Unreadable};
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::spending::Booking;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::from_0_1;
use crate::ports::Fault;
use crate::user_record::entries::Entry;

const UNREADABLE: &str = "A document cannot be read.";

/// A record or a document.
pub trait Document: Serialize + DeserializeOwned {
    /// The error if it is damaged.
    const UNREADABLE: &str = UNREADABLE;

    /// Changes the form of 0.1 to this one, if they differ in more than the version.
    fn convert_from_0_1(_: &mut OtherFields) {}
}

/// The stored request of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDocument {
    pub user_id: String,
    /// The number of the task's entry in its user's list.
    pub number: usize,
    is_anonymous: bool,
    pub original_path: Option<String>,
    request: Inner,
}

/// The stored end of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndDocument {
    state: Inner,
    /// The contents of its concept. None: it has failed, or the concept was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concept: Option<Inner>,
}

/// Stored under a concept's id: its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConceptDocument {
    pub task_id: String,
    pub user_id: String,
    pub number: usize,
}

/// Stored under the SHA-256 of an image: a concept with it. The last writer wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageHashDocument {
    pub concept_id: String,
}

/// The description of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageDocument {
    /// The prefix of the chunks' keys.
    pub name: String,
    pub owner: String,
    pub media_type: String,
    pub size: u64,
    pub etag: String,
    /// Images of 0.1 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    pub created_at: Timestamp,
    pub metadata: Vec<(String, String)>,
}

/// A document of the domain, within a record or a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inner(Value);

impl Document for TaskDocument {
    fn convert_from_0_1(document: &mut OtherFields) {
        from_0_1::task(document);
    }
}

impl Document for EndDocument {
    fn convert_from_0_1(document: &mut OtherFields) {
        from_0_1::end(document);
    }
}

impl Document for ConceptDocument {}

impl Document for ImageHashDocument {}

impl Document for ImageDocument {}

pub fn encode(document: &impl Document) -> Vec<u8> {
    document::write(document).into_bytes()
}

/// By way of a value, so that each kind of document is read by one function only: otherwise
/// the component would have 100 kB more.
pub fn decode<T: Document>(bytes: &[u8]) -> Result<T, Fault> {
    let unreadable = Fault::Invalid(T::UNREADABLE);
    let Ok(mut document) = serde_json::from_slice::<OtherFields>(bytes) else {
        return Err(unreadable);
    };
    if !document.contains_key("v") {
        T::convert_from_0_1(&mut document);
        document.insert("v".to_owned(), document::VERSION.into());
    }
    match document::read_value(Value::Object(document)) {
        Ok(document) => Ok(document),
        Err(later @ Unreadable::Later) => Err(later.into()),
        Err(Unreadable::Malformed(_)) => Err(unreadable),
    }
}

impl TaskDocument {
    pub fn new(record: &TaskRecord, number: usize) -> Self {
        let task = &record.task;
        Self {
            user_id: task.user_id.clone(),
            number,
            is_anonymous: task.is_anonymous,
            original_path: task.original_path.clone(),
            request: Inner::of(&record.request()),
        }
    }

    /// Whether an image is the original or the mask.
    pub fn refers_to(&self, path: &str) -> bool {
        let mask = self.request.0.get("mask_path");
        let mask = mask.and_then(Value::as_str);
        [self.original_path.as_deref(), mask].contains(&Some(path))
    }

    /// The concept that the original is the image of.
    pub fn parent_id(&self) -> Option<&str> {
        self.request.0.get("parent")?.get("id")?.as_str()
    }

    /// The task with this entry. `end`: how it ended, if it did.
    pub fn record(&self, entry: &Entry, end: Option<&EndDocument>) -> Result<TaskRecord, Fault> {
        let (active, ended) = (entry.active.as_ref(), entry.end.as_ref());
        let completed_at = ended.map(|end| end.at);
        let concept = match end {
            Some(end) if entry.has_concept() => end.concept()?,
            _ => None,
        };
        let state = active
            .map(|active| &active.state)
            .or(end.map(|end| &end.state));
        let columns = document::Columns {
            id: entry.task_id.clone(),
            user_id: self.user_id.clone(),
            is_anonymous: self.is_anonymous,
            original_path: self.original_path.clone(),
            created_at: entry.created_at,
            status: entry.status().unwrap_or_default(),
            updated_at: active.map_or(completed_at, |active| active.updated_at),
            completed_at,
            image_path: concept.map(|concept| concept.image_path),
            lease_until: active.and_then(|active| active.lease_until),
            lease: active.and_then(|active| active.lease),
            // There is no order but that of the swaps.
            revision: 0,
        };
        let state = state.map_or_else(
            || from_0_1::state_without_document(entry),
            |state| state.0.clone(),
        );
        let record: TaskRecord = document::read_value(state)?;
        let request = document::read_value(self.request.0.clone())?;
        let mut record = record.with(columns, request);
        record.delivery.clone_from(&entry.delivery);
        Ok(record)
    }

    pub fn task(&self, entry: &Entry, end: Option<&EndDocument>) -> Result<Task, Fault> {
        Ok(self.record(entry, end)?.task)
    }
}

impl EndDocument {
    pub fn new(record: &TaskRecord, concept: Option<&ConceptContent>) -> Self {
        Self {
            state: Inner::state(record),
            concept: concept.map(|concept| Inner::of(&document::write(concept))),
        }
    }

    pub fn concept(&self) -> Result<Option<ConceptContent>, Fault> {
        let concept = self.concept.clone();
        Ok(concept
            .map(|concept| document::read_value(concept.0))
            .transpose()?)
    }

    /// What remains after the deletion of the concept.
    pub fn without_concept(self) -> Self {
        Self {
            concept: None,
            ..self
        }
    }
}

impl Inner {
    /// From what the domain has written.
    fn of(document: &str) -> Self {
        Self(serde_json::from_str(document).unwrap_or_default())
    }

    /// What changes about its user's spending if the task with this state is deleted.
    pub fn settlement(&self) -> Result<Vec<Booking>, Fault> {
        let record: TaskRecord = document::read_value(self.0.clone())?;
        Ok(record.settlement())
    }

    /// The state of a task without its delivery, which is in the entry.
    pub fn state(record: &TaskRecord) -> Self {
        let record = TaskRecord {
            delivery: None,
            ..record.clone()
        };
        Self::of(&record.state())
    }
}

impl From<Unreadable> for Fault {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Later => Self::Unavailable(unreadable.to_string()),
            Unreadable::Malformed(_) => Self::Invalid(UNREADABLE),
        }
    }
}
