//! Cancelling tasks.

use concept_refinement_domain::task::Status;
use serde_json::Value;

use super::service::Call;
use super::tasks::{ID, with_task};

fn cancel(id: &str) -> Call {
    Call::post(format!("/api/tasks/{id}/cancel"))
}

#[test]
fn a_cancelled_task_reads_as_failed_and_frees_its_user() {
    let service = with_task();
    let cancelled = service.send(cancel(ID).by("ann"));
    assert_eq!(cancelled.status, 200);
    let cancelled = cancelled.json();
    assert_eq!(cancelled["status"], "failed");
    assert_eq!(cancelled["message"], "Task is failed");
    assert_eq!(cancelled["error_message"], "Cancelled by its user.");
    assert_ne!(cancelled["completed_at"], Value::Null);
    let read = service.send(Call::get(format!("/api/tasks/{ID}")).by("ann"));
    assert_eq!(read.json(), cancelled);
    assert_eq!(service.send(Call::refine("ann")).status, 202);
}

#[test]
fn one_that_has_ended_is_answered_with_its_task() {
    let service = with_task();
    service.memory.edit_task(|task| {
        task.status = Status::Completed;
        task.result_id = Some(ID.into());
    });
    let conflict = service.send(cancel(ID).by("ann"));
    assert_eq!(conflict.status, 409);
    assert_eq!(conflict.json()["task_id"], ID);
    assert_eq!(conflict.json()["status"], "completed");
}

#[test]
fn whoever_may_not_is_told_so_and_changes_nothing() {
    let service = with_task();
    let elsewhere = |call: Call| call.header("sec-fetch-site", "cross-site");
    for (name, call, status) in [
        ("nobody", cancel(ID), 401),
        ("another site", elsewhere(cancel(ID).by_cookie("ann")), 403),
        ("another user", cancel(ID).by("eve"), 404),
        ("no task", cancel("x").by("ann"), 404),
        ("no path", cancel(&format!("{ID}/x")).by("ann"), 404),
        (
            "another method",
            Call::delete(format!("/api/tasks/{ID}/cancel")).by("ann"),
            405,
        ),
    ] {
        assert_eq!(service.send(call).status, status, "{name}");
    }
    assert_eq!(service.memory.task().status, Status::Pending);
    service.memory.fail("cancel task");
    service
        .send(cancel(ID).by("ann"))
        .is_error(503, "SERVICE_UNAVAILABLE");
}
