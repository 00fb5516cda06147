//! The contents of documents. For their names see [`crate::names`].

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::concept::{self, ConceptContent};
use concept_refinement_domain::task::{Refinement, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ports::Fault;
use crate::user_record::Active;
use crate::user_record::entries::Entry;

/// The stored request of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDocument {
    pub user_id: String,
    /// The number of the task's entry in its user's list.
    pub number: usize,
    is_anonymous: bool,
    refinement: Refinement,
    original_path: Option<String>,
}

/// The stored end of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndDocument {
    Concept(Box<ConceptContent>),
    ErrorMessage(String),
}

/// Stored under a concept's id: its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConceptDocument {
    pub task_id: String,
    pub user_id: String,
    pub number: usize,
}

impl TaskDocument {
    pub fn new(task: &NewTask, number: usize) -> Self {
        Self {
            user_id: task.user_id.clone(),
            number,
            is_anonymous: task.is_anonymous,
            refinement: task.refinement.clone(),
            original_path: task.original_path.clone(),
        }
    }

    /// The current state of the task; `active` if it is not final, else `end`.
    pub fn task(self, entry: &Entry, active: Option<&Active>, end: Option<EndDocument>) -> Task {
        let ended = entry.end.as_ref();
        let status = ended.map_or(Status::Pending, |end| end.status);
        let (image_path, error_message) = match end {
            Some(EndDocument::Concept(concept)) => (Some(concept.image_path), None),
            Some(EndDocument::ErrorMessage(message)) => (None, Some(message)),
            None => (None, None),
        };
        let completed_at = ended.map(|end| end.at);
        Task {
            id: entry.task_id.clone(),
            user_id: self.user_id,
            is_anonymous: self.is_anonymous,
            status: active.map_or(status, |active| active.status),
            refinement: self.refinement,
            original_path: self.original_path,
            created_at: entry.created_at,
            updated_at: active.map_or(completed_at, |active| active.updated_at),
            completed_at,
            result_id: (status == Status::Completed).then(|| concept::id_for(&entry.task_id)),
            image_path: image_path.filter(|_| ended.is_some_and(|end| end.has_concept)),
            error_message,
            lease_until: active.and_then(|active| active.lease_until),
        }
    }
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
    pub created_at: Timestamp,
    pub metadata: Vec<(String, String)>,
}

pub fn encode(document: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(document).map_err(|_| Fault::Invalid("A document cannot be written."))
}

pub fn decode<T: DeserializeOwned>(document: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(document).map_err(|_| Fault::Invalid("A document cannot be read."))
}
