//! A task as JSON, as the API returns it and a webhook delivers it.

use serde::Serialize;

use crate::money::MicroDollars;
use crate::task::{Refinement, Status, Task};
use crate::timestamp::{Timestamp, rfc3339, rfc3339_or_null};

/// A refinement task in its current state: exactly these eleven keys, always all present,
/// null if there is no value.
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
    metadata: Metadata<'a>,
    /// The refined concept's id, once completed.
    result_id: Option<&'a str>,
    /// Signed URL of the refined image, which works without credentials for about an
    /// hour. Null before the task is completed and after its concept was deleted.
    image_url: Option<String>,
    /// Why the task failed, as a sentence for the user.
    error_message: Option<&'a str>,
}

/// The four fields of the request, and what else there is to say.
#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(flatten)]
    refinement: &'a Refinement,
    /// The model's notes on its work, once the task is completed.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    /// What its work cost, in US dollars, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
}

impl<'a> TaskResponse<'a> {
    /// `image_url`: the signed URL of [`image_path`].
    pub fn new(task: &'a Task, message: &'a str, image_url: Option<String>) -> Self {
        Self {
            task_id: &task.id,
            status: task.status.as_str(),
            message,
            r#type: "concept_refinement",
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
            metadata: Metadata {
                refinement: &task.refinement,
                notes: &task.notes,
                cost: cost(task),
            },
            result_id: task.result_id.as_deref(),
            image_url,
            error_message: task.error_message.as_deref(),
        }
    }
}

fn cost(task: &Task) -> Option<String> {
    let cost = task.usage?.cost?;
    Some(MicroDollars(cost).to_string())
}

/// The path of the task's refined image; none before it is completed.
pub fn image_path(task: &Task) -> Option<&str> {
    match task.status {
        Status::Completed => task.image_path.as_deref(),
        Status::Pending | Status::Processing | Status::Failed => None,
    }
}
