//! The body of a delivery: the event, its time, and the task as the API returns it.

use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::task_response::TaskResponse;
use serde::Serialize;

#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    /// When the task ended.
    timestamp: Option<String>,
    /// The failed task that this one retries.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_of: Option<&'a str>,
    data: TaskResponse<'a>,
}

/// For a task that has ended. `retry_of`: the failed task that it retries; `image_url`:
/// the signed URL of its image.
pub fn body(
    task: &Task,
    retry_of: Option<&str>,
    image_url: Option<String>,
) -> serde_json::Result<String> {
    serde_json::to_string(&Event {
        r#type: match task.status {
            Status::Completed => "task.completed",
            Status::Failed | Status::Pending | Status::Processing => "task.failed",
        },
        timestamp: task.completed_at.map(|ended| ended.to_string()),
        retry_of,
        data: TaskResponse::new(task, sentence::task_is(task.status), image_url),
    })
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::task::Refinement;
    use concept_refinement_domain::timestamp::Timestamp;

    use super::*;

    fn task(status: Status) -> Task {
        Task {
            id: "01a1f8d3-ea7b-7fff-bfff-ffffffffffff".into(),
            user_id: "ann".into(),
            status,
            refinement: Refinement {
                original_image_url: Some("https://example.com/a.png".into()),
                refinement_prompt: "Make it \"lighter\"".into(),
                theme_description: Some("Sea".into()),
                ..Refinement::default()
            },
            created_at: Timestamp(1_795_176_000_123_456),
            updated_at: Some(Timestamp(1_795_176_004_000_000)),
            completed_at: Some(Timestamp(1_795_176_004_000_000)),
            ..Task::default()
        }
    }

    #[test]
    fn a_completed_task_is_told_with_its_image() {
        let task = Task {
            result_id: Some("c".into()),
            image_path: Some("refined/a.png".into()),
            notes: vec!["A note.".into()],
            ..task(Status::Completed)
        };
        let body = body(&task, None, Some("https://a.example/x?y".into())).unwrap();
        let expected = concat!(
            r#"{"type":"task.completed","timestamp":"2026-11-20T12:00:04.000000Z","data":{"#,
            r#""task_id":"01a1f8d3-ea7b-7fff-bfff-ffffffffffff","status":"completed","#,
            r#""message":"Task is completed","type":"concept_refinement","#,
            r#""created_at":"2026-11-20T12:00:00.123456Z","#,
            r#""updated_at":"2026-11-20T12:00:04.000000Z","#,
            r#""completed_at":"2026-11-20T12:00:04.000000Z","#,
            r#""metadata":{"original_image_url":"https://example.com/a.png","#,
            r#""refinement_prompt":"Make it \"lighter\"","logo_description":null,"#,
            r#""theme_description":"Sea","notes":["A note."]},"result_id":"c","#,
            r#""image_url":"https://a.example/x?y","error_message":null}}"#
        );
        assert_eq!(body, expected);
    }

    #[test]
    fn a_retry_names_the_task_that_it_retries() {
        let body = body(&task(Status::Failed), Some("first"), None).unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["retry_of"], "first");
        assert_eq!(body["data"].as_object().unwrap().len(), 11);
    }

    #[test]
    fn a_failed_task_is_told_with_its_reason() {
        let task = Task {
            error_message: Some("It failed.".into()),
            ..task(Status::Failed)
        };
        let body: serde_json::Value =
            serde_json::from_str(&body(&task, None, None).unwrap()).unwrap();
        assert_eq!(body["type"], "task.failed");
        assert_eq!(body["data"]["status"], "failed");
        assert_eq!(body["data"]["error_message"], "It failed.");
        assert_eq!(body["data"]["image_url"], serde_json::Value::Null);
    }
}
