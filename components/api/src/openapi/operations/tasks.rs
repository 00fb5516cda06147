//! `/api/concepts/refine`, `/api/tasks`, and a task's original path.

use concept_refinement_domain::task::Status;
use serde_json::{Value, json};

use super::{cursor, limit};
use crate::openapi::examples::{self, TASK_ID};
use crate::openapi::headers::QUOTA;
use crate::openapi::operation::{Asker, Operation, header_parameter, json_of, path_parameter};

const TAG: &str = "tasks";

pub fn refine() -> Operation {
    let with_quota = |more: &[&'static str]| [&QUOTA, more].concat();
    let operation = Operation::new(
        "post",
        "/api/concepts/refine",
        "refine_concept",
        TAG,
        Asker::User,
    );
    operation
        .says(
            "Refine an image",
            "Creates a refinement task and returns at once. A user has one task under way: \
             while it is pending or processing, another request is answered 409 with that task, \
             and costs no quota.\n\nPoll the task, or listen to its events, until its status is \
             `completed` or `failed`.",
        )
        .takes(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes the request safe to send again: within 24 hours the same user \
                gets the first 202 again, and nothing is created. With another body it is 422.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "pattern": "^[!-~]+$",
            },
            "example": "order-4711",
        }))
        .body(
            "At most 64 KiB.",
            json_of(
                "RefinementRequest",
                &[
                    (
                        "public_url",
                        "An image with a public URL",
                        examples::request(),
                    ),
                    (
                        "upload",
                        "An upload, with what is required alone",
                        examples::request_for_upload(),
                    ),
                ],
            ),
        )
        .answers(
            202,
            "The task was created, or had been by an earlier request with the same key.",
            &with_quota(&["Idempotency-Replayed"]),
            json_of(
                "TaskResponse",
                &[("created", "Created", examples::created())],
            ),
        )
        .leads_to(202, "get_task", "task_id", "task_id")
        .leads_to(202, "watch_task", "task_id", "task_id")
        .leads_to(202, "delete_task", "task_id", "task_id")
        .answers(
            409,
            "A task of the user is under way: the body is that task.",
            &QUOTA,
            json_of(
                "TaskResponse",
                &[("active", "Under way", examples::active())],
            ),
        )
        .refuses(&[
            "FromElsewhere",
            "NoSuchOriginal",
            "BodyTooLarge",
            "NotJson",
            "InvalidRefinement",
            "QuotaExceeded",
            "UnavailableOrBusy",
        ])
}

/// The original path, and the one beside the list.
pub fn get() -> Vec<Operation> {
    let operation = |path, id| {
        Operation::new("get", path, id, TAG, Asker::User)
            .takes(task_id())
            .answers(
                200,
                "The task.",
                &[],
                json_of(
                    "TaskResponse",
                    &[
                        ("pending", "Waiting", examples::task_is(Status::Pending)),
                        (
                            "processing",
                            "Under way",
                            examples::task_is(Status::Processing),
                        ),
                        ("completed", "Done", examples::task_is(Status::Completed)),
                        ("failed", "Given up", examples::task_is(Status::Failed)),
                    ],
                ),
            )
            .refuses(&["NoSuchTask"])
    };
    vec![
        operation("/api/concepts/task/{task_id}", "get_refinement_task").says(
            "Look at a refinement",
            "The task as it stands now. Clients that poll do so every 2 seconds.",
        ),
        operation("/api/tasks/{task_id}", "get_task")
            .says("Look at a task", "As `GET /api/concepts/task/{task_id}`."),
    ]
}

pub fn list() -> Operation {
    Operation::new("get", "/api/tasks", "list_tasks", TAG, Asker::User)
        .says(
            "List your tasks",
            "Newest first, a page at a time: `next_cursor` asks for the next one.",
        )
        .takes(limit())
        .takes(json!({
            "name": "status",
            "in": "query",
            "description": "Only tasks of this status.",
            "schema": {"$ref": "#/components/schemas/TaskStatus"},
        }))
        .takes(cursor())
        .answers(
            200,
            "A page of tasks.",
            &[],
            json_of(
                "TaskList",
                &[
                    ("last", "The last page", page(Value::Null)),
                    ("more", "There are more", page(examples::CURSOR.into())),
                ],
            ),
        )
        .refuses(&["InvalidQuery"])
}

pub fn events() -> Operation {
    Operation::new(
        "get",
        "/api/tasks/{task_id}/events",
        "watch_task",
        TAG,
        Asker::User,
    )
    .says(
        "Watch a task",
        "Server-sent events (`EventSource` in browsers), each as it happens:\n\n\
             - `task`, now and at each change of status; its data is a `TaskResponse`, its id \
             names the state.\n\
             - `progress`, as a stage begins; its data is a `ProgressEvent`.\n\
             - `deleted`, if the task is deleted; its data is a `DeletedEvent`.\n\n\
             The stream ends after `completed`, `failed` or `deleted`. In silence a comment is \
             sent every 15 seconds. Who connects again with the id of the last event is told \
             what is new since.",
    )
    .takes(task_id())
    .takes(header_parameter(
        "Last-Event-ID",
        "The id of the last event that was received; browsers send it by themselves.",
        "1795176001123456-processing",
    ))
    .answers(
        200,
        "The events.",
        &[],
        json!({"text/event-stream": {
            "schema": {"type": "string"},
            "examples": {
                "completed": {
                    "summary": "From the beginning to the end",
                    "value": examples::events(),
                },
                "deleted": {
                    "summary": "Of a task that is deleted",
                    "value": examples::events_of_deleted(),
                },
            },
            "x-events": {
                "task": {"$ref": "#/components/schemas/TaskResponse"},
                "progress": {"$ref": "#/components/schemas/ProgressEvent"},
                "deleted": {"$ref": "#/components/schemas/DeletedEvent"},
            },
        }}),
    )
    .answers(
        204,
        "Nothing will follow the last event that was received: do not connect again.",
        &[],
        Value::Null,
    )
    .refuses(&["NoSuchTask", "UnavailableOrBusy"])
}

pub fn delete() -> Operation {
    Operation::new(
        "delete",
        "/api/tasks/{task_id}",
        "delete_task",
        TAG,
        Asker::User,
    )
    .says(
        "Forget a task",
        "Work under way for it is dropped at its next step and stores nothing visible. The \
             concept of a completed task stays. The quota is not given back.",
    )
    .takes(task_id())
    .answers(204, "The task is forgotten.", &[], Value::Null)
    .refuses(&["FromElsewhere", "NoSuchTask"])
}

fn task_id() -> Value {
    path_parameter(
        "task_id",
        "The task's id. One that is no UUID names no task.",
        TASK_ID,
    )
}

fn page(next_cursor: Value) -> Value {
    let task = examples::task_is(Status::Completed);
    json!({"tasks": [task], "next_cursor": next_cursor})
}
