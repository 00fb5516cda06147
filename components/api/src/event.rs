//! Server-sent events (HTML Living Standard, 9.2), and the ids with which a client
//! names the last event that it received.
//!
//! An id identifies a state. `task` events have one; `progress` events do not, since a
//! stage is not stored and cannot be sent again.

use std::time::Duration;

use concept_refinement_domain::task::{Stage, Task};
use serde::Serialize;
use serde_json::json;

use crate::problem::Problem;

/// After this time without an event a comment is sent, which keeps proxies from closing
/// the stream, and shows whether the client has left.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub const COMMENT: &str = ": keep-alive\n\n";

/// The beginning of every stream: the reconnection delay in milliseconds. It is a field of the
/// first event, since a parser might take it for an event without data by itself.
pub const OPENING: &str = "retry: 1000\n";

/// The id of the event for a deleted task.
pub const DELETED_ID: &str = "deleted";

/// The id of a task's state; states that look alike have the same id.
pub fn id(task: &Task) -> String {
    let since = task.updated_at.unwrap_or(task.created_at);
    format!("{}-{}", since.0, task.status.as_str())
}

/// `shown`: the task as other routes return it.
pub fn task(id: &str, shown: &impl Serialize) -> Result<String, Problem> {
    event("task", Some(id), shown)
}

pub fn progress(stage: Stage) -> Result<String, Problem> {
    event("progress", None, &json!({"stage": stage}))
}

pub fn deleted(task_id: &str) -> Result<String, Problem> {
    event("deleted", Some(DELETED_ID), &json!({"task_id": task_id}))
}

/// Compact JSON contains no line breaks, so it is one line of data.
fn event(name: &str, id: Option<&str>, data: &impl Serialize) -> Result<String, Problem> {
    let data = serde_json::to_string(data)?;
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Ok(format!("event: {name}\n{id}data: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use concept_refinement_domain::task::{Refinement, Status};
    use concept_refinement_domain::timestamp::Timestamp;

    #[test]
    fn events_are_written_as_the_standard_has_them() {
        let cases = [
            (
                "a task",
                task("7-pending", &json!({"task_id": "a"})),
                "event: task\nid: 7-pending\ndata: {\"task_id\":\"a\"}\n\n",
            ),
            (
                "a task whose prompt would like to be an event",
                task("7-failed", &json!("a\nevent: deleted\r\ndata: {}\n\n\r")),
                "event: task\nid: 7-failed\n\
                 data: \"a\\nevent: deleted\\r\\ndata: {}\\n\\n\\r\"\n\n",
            ),
            (
                "a stage",
                progress(Stage::StoringImage),
                "event: progress\ndata: {\"stage\":\"storing-image\"}\n\n",
            ),
            (
                "the end of a deleted task",
                deleted("a"),
                "event: deleted\nid: deleted\ndata: {\"task_id\":\"a\"}\n\n",
            ),
        ];
        for (name, written, expected) in cases {
            assert_eq!(written.unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn each_stage_has_its_name() {
        let cases = [
            (Stage::Downloading, "downloading"),
            (Stage::Refining, "refining"),
            (Stage::StoringImage, "storing-image"),
            (Stage::StoringConcept, "storing-concept"),
        ];
        for (stage, name) in cases {
            let expected = format!("event: progress\ndata: {{\"stage\":\"{name}\"}}\n\n");
            assert_eq!(progress(stage).unwrap(), expected);
        }
    }

    #[test]
    fn an_id_names_a_state() {
        let cases = [
            (Status::Pending, None, "5-pending"),
            (Status::Processing, Some(6), "6-processing"),
            (Status::Pending, Some(6), "6-pending"),
            (Status::Completed, Some(7), "7-completed"),
        ];
        for (status, updated_at, expected) in cases {
            let task = Task {
                id: "a".into(),
                user_id: "ann".into(),
                status,
                refinement: Refinement::new("https://example.com/a.png", "make it brown"),
                created_at: Timestamp(5),
                updated_at: updated_at.map(Timestamp),
                ..Task::default()
            };
            assert_eq!(id(&task), expected);
        }
    }
}
