//! Tasks and concepts as JSON.

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::task::{Refinement, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Serialize, Serializer};

/// A refinement task as it stands: exactly these eleven keys, always all
/// present, null where there is nothing.
#[derive(Serialize)]
pub struct TaskResponse<'a> {
    task_id: &'a str,
    status: &'static str,
    /// The status as a sentence.
    message: &'a str,
    r#type: &'static str,
    #[serde(serialize_with = "rfc3339")]
    created_at: Timestamp,
    /// Null until the task first changes.
    #[serde(serialize_with = "rfc3339_or_null")]
    updated_at: Option<Timestamp>,
    /// Set in both final states, `completed` and `failed`.
    #[serde(serialize_with = "rfc3339_or_null")]
    completed_at: Option<Timestamp>,
    metadata: &'a Refinement,
    /// The refined concept's id, once completed.
    result_id: Option<&'a str>,
    /// The refined image, by a signed URL that works without credentials for
    /// about an hour. Null before the task is completed and after its concept
    /// was deleted.
    image_url: Option<String>,
    /// Why the task failed, in a sentence for the person who asked.
    error_message: Option<&'a str>,
}

impl<'a> TaskResponse<'a> {
    /// `image_url` is that of [`image_path`], signed.
    pub fn new(task: &'a Task, message: &'a str, image_url: Option<String>) -> Self {
        Self {
            task_id: &task.id,
            status: task.status.as_str(),
            message,
            r#type: "concept_refinement",
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
            metadata: &task.refinement,
            result_id: task.result_id.as_deref(),
            image_url,
            error_message: task.error_message.as_deref(),
        }
    }
}

/// The path of the task's refined image; none before it is completed.
pub fn image_path(task: &Task) -> Option<&str> {
    match task.status {
        Status::Completed => task.image_path.as_deref(),
        Status::Pending | Status::Processing | Status::Failed => None,
    }
}

/// A refined concept.
#[derive(Serialize)]
pub struct ConceptResponse<'a> {
    id: &'a str,
    task_id: &'a str,
    /// The refined image, by a signed URL.
    image_url: String,
    /// As sent in the request.
    original_image_url: &'a str,
    refinement_prompt: &'a str,
    logo_description: Option<&'a str>,
    theme_description: Option<&'a str>,
    color_palettes: &'a [String],
    /// Whether the user was anonymous.
    is_anonymous: bool,
    #[serde(serialize_with = "rfc3339")]
    created_at: Timestamp,
}

impl<'a> ConceptResponse<'a> {
    /// `image_url` is that of the concept's image, signed.
    pub fn new(concept: &'a Concept, image_url: String) -> Self {
        let content = &concept.content;
        Self {
            id: &concept.id,
            task_id: &content.task_id,
            image_url,
            original_image_url: &content.original_image_url,
            refinement_prompt: &content.refinement_prompt,
            logo_description: content.logo_description.as_deref(),
            theme_description: content.theme_description.as_deref(),
            color_palettes: &content.color_palettes,
            is_anonymous: content.is_anonymous,
            created_at: concept.created_at,
        }
    }
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn rfc3339_or_null<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}
