//! What the API answers, under the names that it has there.

use concept_refinement_domain::task::{Stage, Status};
use serde::Deserialize;

/// A task as the API shows it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub task_id: String,
    /// How far it is.
    pub status: Status,
    /// The status as a sentence.
    pub message: String,
    /// RFC 3339, in UTC.
    pub created_at: String,
    /// None until the task first changes.
    pub updated_at: Option<String>,
    /// Set in both final states.
    pub completed_at: Option<String>,
    /// The fields of the request, and what else there is to say.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The id of its concept, once it is completed.
    pub result_id: Option<String>,
    /// The signed URL of the refined image, once it is completed.
    pub image_url: Option<String>,
    /// Why it failed, as a sentence for the user.
    pub error_message: Option<String>,
}

impl Task {
    /// Whether it has a concept.
    pub fn is_completed(&self) -> bool {
        self.status == Status::Completed
    }

    /// Whether it ended without a concept.
    pub fn is_failed(&self) -> bool {
        self.status == Status::Failed
    }
}

/// The result of a completed task.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Concept {
    /// Its id.
    pub id: String,
    /// The task that made it.
    pub task_id: String,
    /// The signed URL of the refined image.
    pub image_url: String,
    /// The URL of the original.
    pub original_image_url: String,
    /// The prompt, as it was sent.
    pub refinement_prompt: String,
    /// As it was sent.
    pub logo_description: Option<String>,
    /// As it was sent.
    pub theme_description: Option<String>,
    /// The model's notes on its work.
    pub notes: Vec<String>,
    /// RFC 3339, in UTC.
    pub created_at: String,
}

/// A stored original.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Upload {
    /// Names it in a request.
    pub image_url: String,
    /// Names it for its deletion.
    pub path: String,
}

/// What is left of a quota. All values are None if it is unlimited.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Quota {
    /// Refinements in a window.
    pub limit: Option<u32>,
    /// Refinements that are left in this window.
    pub remaining: Option<u32>,
    /// `hour`, `day` or `month`, in UTC.
    pub window: Option<String>,
    /// When the window ends, in Unix seconds.
    pub reset: Option<u64>,
}

/// What the user's tasks of a window cost. Amounts are US dollars, as `2.10`.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// What accepted calls of the model cost.
    pub spent: String,
    /// What tasks that have not ended may cost, and calls of which nobody knows whether they
    /// were accepted.
    pub reserved: String,
    /// Calls whose price is unknown.
    pub unknown_calls: u64,
    /// The budget. None: unlimited.
    pub limit: Option<String>,
    /// `hour`, `day` or `month`, in UTC.
    pub window: String,
    /// When the window ends, in Unix seconds.
    pub reset: u64,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// Its items.
    #[serde(alias = "tasks", alias = "concepts")]
    pub items: Vec<T>,
    /// Names the next page. None: this is the last one.
    pub next_cursor: Option<String>,
}

/// What happens to a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TaskEvent {
    /// The task as it is from now on.
    Changed(Box<Task>),
    /// A stage of its work has begun.
    Progress(Stage),
    /// It was deleted. This is the last event.
    Deleted,
}
