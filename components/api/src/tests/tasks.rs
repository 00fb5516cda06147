//! Reading, listing and deleting tasks.

use std::time::Duration;

use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::service::{Call, NOW, ORIGIN, Service};
use crate::Method;

pub(super) const ID: &str = "00000000-0000-4000-8000-000000000001";
const CONCEPT: &str = "00000000-0000-4000-8000-0000000000c0";

/// A service with one pending task of ann's.
pub(super) fn with_task() -> Service {
    let service = Service::new();
    assert_eq!(service.send(Call::refine("ann")).json()["task_id"], ID);
    service
}

fn read(service: &Service) -> Value {
    let reply = service.send(Call::get(format!("/api/tasks/{ID}")).by("ann"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.json()
}

#[test]
fn a_task_reads_as_it_stands() {
    let service = with_task();
    let later = Timestamp(NOW.0 + 1_000_000);
    let pending = read(&service);
    assert_eq!(pending["message"], "Task is pending");
    assert_eq!(pending["updated_at"], Value::Null);

    service.memory.edit_task(|task| {
        task.status = Status::Processing;
        task.updated_at = Some(later);
        task.lease_until = Some(later);
        task.image_path = Some("refined/x.png".into());
    });
    let processing = read(&service);
    assert_eq!(processing["status"], "processing");
    assert_eq!(processing["message"], "Task is processing");
    assert_eq!(processing["updated_at"], "2026-11-20T12:00:01.123456Z");
    assert_eq!(processing["image_url"], Value::Null);

    service.memory.edit_task(|task| {
        task.status = Status::Completed;
        task.completed_at = Some(later);
        task.result_id = Some(CONCEPT.into());
    });
    let completed = read(&service);
    assert_eq!(completed["message"], "Task is completed");
    assert_eq!(completed["completed_at"], "2026-11-20T12:00:01.123456Z");
    assert_eq!(completed["result_id"], CONCEPT);
    let url = completed["image_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{ORIGIN}/api/images/refined/x.png?expires=")));

    service.memory.edit_task(|task| task.image_path = None);
    let without_image = read(&service);
    assert_eq!(without_image["image_url"], Value::Null);
    assert_eq!(without_image["result_id"], CONCEPT);

    service.memory.edit_task(|task| {
        task.status = Status::Failed;
        task.result_id = None;
        task.error_message = Some("why".into());
    });
    let failed = read(&service);
    assert_eq!(failed["message"], "Task is failed");
    assert_eq!(failed["error_message"], "why");
}

/// And a queue that cannot tell keeps nobody from seeing their task.
#[test]
fn a_pending_task_tells_its_position() {
    let service = with_task();
    let position = |id: &str, user: &str| {
        let reply = service.send(Call::get(format!("/api/tasks/{id}")).by(user));
        assert_eq!(reply.status, 200);
        reply.header("x-queue-position").map(str::to_owned)
    };
    let second = service.send(Call::refine("bob")).json();
    let second = second["task_id"].as_str().unwrap();
    assert_eq!(position(ID, "ann").as_deref(), Some("1"));
    assert_eq!(position(second, "bob").as_deref(), Some("2"));
    service.memory.fail("position");
    assert_eq!(position(ID, "ann"), None);
    let service = with_task();
    for status in [Status::Processing, Status::Completed, Status::Failed] {
        service.memory.edit_task(|task| task.status = status);
        read(&service);
        let asked = service.memory.called("position");
        assert_eq!(asked, 0, "{status:?}: it is not asked for");
    }
}

#[test]
fn both_paths_and_any_notation_of_the_id() {
    let service = with_task();
    let expected = read(&service);
    for path in ["/api/concepts/task/", "/api/tasks/"] {
        for id in [ID.to_owned(), ID.to_uppercase()] {
            let reply = service.send(Call::get(format!("{path}{id}")).by_cookie("ann"));
            assert_eq!(reply.json(), expected, "{path}{id}");
        }
    }
}

#[test]
fn ids_that_name_nothing() {
    let service = with_task();
    let ids = [
        "00000000-0000-4000-8000-000000000002",
        "00000000000040008000000000000001",
        "{00000000-0000-4000-8000-000000000001}",
        "x",
        "%00",
        "1%20OR%201=1",
        "..",
    ];
    for id in ids {
        for path in ["/api/tasks/", "/api/concepts/task/"] {
            let reply = service.send(Call::get(format!("{path}{id}")).by("ann"));
            reply.is_error(404, "NOT_FOUND");
        }
        let reply = service.send(Call::delete(format!("/api/tasks/{id}")).by("ann"));
        reply.is_error(404, "NOT_FOUND");
    }
}

#[test]
fn head_is_get_without_a_body() {
    let service = with_task();
    let get = service.send(Call::get(format!("/api/tasks/{ID}")).by("ann"));
    let head = service.send(Call::new(Method::Head, format!("/api/tasks/{ID}")).by("ann"));
    assert_eq!((head.status, &head.headers), (200, &get.headers));
    assert!(head.body.is_empty());
    let head = service.send(Call::new(Method::Head, "/api/tasks"));
    assert_eq!(head.status, 401);
    assert!(head.body.is_empty());
}

#[test]
fn overdue_tasks_are_published_again_when_read() {
    let seconds = Duration::from_secs;
    let pending: fn(&Service) = |_| {};
    let leased: fn(&Service) = |service| {
        service.memory.edit_task(|task| {
            task.status = Status::Processing;
            task.lease_until = Some(NOW.plus(Duration::from_secs(30)));
        });
    };
    let finished: fn(&Service) = |service| {
        service
            .memory
            .edit_task(|task| task.status = Status::Completed);
    };
    let cases = [
        ("pending", pending, seconds(14), false),
        ("pending for long", pending, seconds(15), true),
        ("held", leased, seconds(29), false),
        ("held no more", leased, seconds(30), true),
        ("finished", finished, seconds(1000), false),
    ];
    for (name, change, wait, is_overdue) in cases {
        for path in [format!("/api/tasks/{ID}"), "/api/tasks".into()] {
            let service = with_task();
            change(&service);
            service.memory.advance(wait);
            let before = service.memory.0.borrow().messages.len();
            assert_eq!(
                service.send(Call::get(path).by("ann")).status,
                200,
                "{name}"
            );
            assert_eq!(
                service.memory.0.borrow().messages.len(),
                before,
                "{name}: the answer does not wait for it"
            );
            service.do_background_work();
            let messages = &service.memory.0.borrow().messages;
            assert_eq!(messages.len() - before, usize::from(is_overdue), "{name}");
            assert_eq!(messages.first(), messages.last(), "{name}");
        }
    }
}

#[test]
fn polling_an_overdue_task_does_not_flood_the_queue() {
    let service = with_task();
    service.memory.advance(Duration::from_secs(20));
    for _ in 0..50 {
        read(&service);
    }
    service.do_background_work();
    assert_eq!(service.memory.0.borrow().messages.len(), 2);
    // For an hour every two seconds, as the page does: the interval doubles.
    for _ in 0..1_800 {
        service.memory.advance(Duration::from_secs(2));
        read(&service);
        service.do_background_work();
    }
    // After 20 s, 40, 80, 160, 320, 640, 1,280 and 2,560.
    assert_eq!(service.memory.0.borrow().messages.len(), 1 + 8);
}

/// Where the platform sweeps, each instance would only add to what that publishes.
#[test]
fn an_overdue_task_is_published_again_by_one_alone() {
    for (swept, messages) in [("true", 1), ("no", 2), ("", 2)] {
        let service = Service::with(&[("swept", swept)]);
        service.send(Call::refine("ann"));
        service.memory.advance(Duration::from_secs(20));
        let path = format!("/api/tasks/{}", service.memory.task().id);
        service.send(Call::get(path).by("ann"));
        service.do_background_work();
        let published = service.memory.0.borrow().messages.len();
        assert_eq!(published, messages, "{swept:?}");
    }
}

#[test]
fn a_queue_out_of_reach_does_not_spoil_reading() {
    let service = with_task();
    service.memory.advance(Duration::from_secs(20));
    service.memory.fail("publish");
    read(&service);
    service.do_background_work();
    assert_eq!(service.memory.called("publish"), 2);
}

#[test]
fn lists_are_paged_newest_first() {
    let service = Service::with(&[("rate-limit", "unlimited")]);
    for _ in 0..25 {
        service.send(Call::refine("ann"));
        let mut state = service.memory.0.borrow_mut();
        let newest = state.store.tasks().last().unwrap().id.clone();
        let complete = |task: &mut Task| task.status = Status::Completed;
        state.store.edit(&newest, complete);
        drop(state);
        service.memory.advance(Duration::from_secs(1));
    }
    service.send(Call::refine("bob"));
    let mut ids = Vec::new();
    let mut cursor = None;
    let sizes = loop {
        let path = match &cursor {
            None => "/api/tasks".to_owned(),
            Some(cursor) => format!("/api/tasks?cursor={cursor}"),
        };
        let page = service.send(Call::get(path).by("ann")).json();
        let tasks = page["tasks"].as_array().unwrap();
        ids.extend(tasks.iter().map(|task| task["task_id"].to_string()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break tasks.len(),
        }
    };
    assert_eq!((ids.len(), sizes), (25, 5));
    assert!(ids.is_sorted_by(|newer, older| newer > older));

    let page = |query: &str, user: &str| {
        let path = format!("/api/tasks?{query}");
        service.send(Call::get(path).by(user))
    };
    let whole = page("limit=100", "ann").json();
    assert_eq!(whole["tasks"].as_array().unwrap().len(), 25);
    assert_eq!(page("status=pending", "ann").json()["tasks"], json!([]));
    let cursor = cursor.unwrap();
    let body = page(&format!("cursor={cursor}"), "bob").is_error(422, "VALIDATION_ERROR");
    assert!(body["field_errors"]["cursor"].is_array());
    let concepts = Call::get(format!("/api/concepts?cursor={cursor}")).by("ann");
    service.send(concepts).is_error(422, "VALIDATION_ERROR");
    for query in "limit= limit=0 limit=101 status= status=x cursor=".split(' ') {
        page(query, "ann").is_error(422, "VALIDATION_ERROR");
    }
}

#[test]
fn deleting() {
    let service = with_task();
    let call = || Call::delete(format!("/api/tasks/{ID}")).by("ann");
    let reply = service.send(call());
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.header("content-length"), None);
    service.send(call()).is_error(404, "NOT_FOUND");
    assert_eq!(service.send(Call::refine("ann")).status, 202);
}

#[test]
fn a_store_out_of_reach() {
    let service = with_task();
    for name in ["task", "tasks", "delete task"] {
        service.memory.fail(name);
    }
    for call in [
        Call::get(format!("/api/tasks/{ID}")),
        Call::get("/api/tasks"),
        Call::delete(format!("/api/tasks/{ID}")),
    ] {
        let reply = service.send(call.by("ann"));
        reply.is_error(503, "SERVICE_UNAVAILABLE");
    }
}
