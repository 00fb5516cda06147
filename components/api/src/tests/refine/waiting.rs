//! `Prefer: wait`.

use std::time::Duration;

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::task::{Change, Stage, Status};
use concept_refinement_domain::timestamp::Timestamp;
use futures::FutureExt as _;

use super::super::service::{Call, NOW, ORIGIN, Reply, Service};
use crate::ports::Ports as _;

const CONCEPT: &str = "00000000-0000-4000-8000-0000000000c0";

fn waiting() -> Call {
    Call::refine("ann").header("prefer", "wait=10")
}

fn end(service: &Service, status: Status) {
    service.memory.change_task(|task| {
        task.status = status;
        task.updated_at = Some(Timestamp(NOW.0 + 1));
        task.completed_at = task.updated_at;
        match status {
            Status::Completed => {
                task.result_id = Some(CONCEPT.into());
                task.image_path = Some("refined/x.png".into());
            }
            _ => task.error_message = Some("It is no image.".into()),
        }
    });
}

fn task(service: &Service) -> Reply {
    let id = service.memory.task().id;
    service.send(Call::get(format!("/api/tasks/{id}")).by("ann"))
}

#[track_caller]
fn is_first_answer(reply: &Reply) {
    assert_eq!(reply.status, 202);
    let body = reply.json();
    assert_eq!(body["status"], "pending");
    assert_eq!(
        body["message"],
        "Concept refinement task created and queued for processing"
    );
    assert_eq!(body["updated_at"], serde_json::Value::Null);
    assert_eq!(reply.header("preference-applied"), None);
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("9"));
}

#[test]
fn what_a_failed_task_gives_back_is_told() {
    let service = Service::new();
    let mut pending = service.begin(waiting());
    let id = service.memory.task().id;
    let withdrawn = service.memory.withdraw(&id, "It is no image.");
    assert_eq!(withdrawn.now_or_never().unwrap(), Ok(Fenced::Done));
    service
        .memory
        .tell(Change::Task(Box::new(service.memory.task())));
    let reply = pending.answer().unwrap();
    assert_eq!(reply.json()["status"], "failed");
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("10"));
}

#[test]
fn it_is_answered_as_soon_as_the_task_ends() {
    for status in [Status::Completed, Status::Failed] {
        let service = Service::new();
        let mut pending = service.begin(waiting());
        assert_eq!(service.memory.0.borrow().messages.len(), 1);
        service
            .memory
            .change_task(|task| task.status = Status::Processing);
        service.memory.tell(Change::Progress(Stage::Refining));
        assert!(pending.answer().is_none());
        service.memory.advance(Duration::from_secs(9));
        assert!(pending.answer().is_none());
        end(&service, status);
        let reply = pending.answer().unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(reply.body, task(&service).body, "as the task reads");
        assert_eq!(reply.header("preference-applied"), Some("wait=10"));
        assert_eq!(reply.header("vary"), Some("Prefer"));
        assert_eq!(reply.header("x-ratelimit-limit"), Some("10"));
        assert_eq!(reply.header("x-ratelimit-remaining"), Some("9"));
        assert_eq!(reply.header("x-ratelimit-reset"), Some("1796083200"));
        assert_eq!(reply.header("idempotency-replayed"), None);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(service.memory.watchers(), 0);
    }
    let service = Service::new();
    let mut pending = service.begin(waiting());
    end(&service, Status::Completed);
    let url = pending.answer().unwrap().json()["image_url"].clone();
    let signed = format!("{ORIGIN}/api/images/refined/x.png?expires=");
    assert!(url.as_str().unwrap().starts_with(&signed), "{url}");
}

#[test]
fn so_many_seconds_are_waited_and_no_more() {
    for (preference, seconds) in [("wait", 30), ("wait=1", 1), ("wait=60", 60)] {
        let service = Service::new();
        let mut pending = service.begin(Call::refine("ann").header("prefer", preference));
        let almost = Duration::from_secs(seconds) - Duration::from_millis(1);
        service.memory.advance(almost);
        assert!(pending.answer().is_none(), "{preference}");
        service.memory.advance(Duration::from_millis(1));
        is_first_answer(&pending.answer().unwrap());
        assert_eq!(service.memory.watchers(), 0, "{preference}");
    }
}

#[test]
fn without_a_wait_that_can_be_used_it_is_answered_at_once() {
    for preference in ["", "wait=0", "wait=61", "wait=soon", "return=minimal"] {
        let service = Service::new();
        let reply = service.send(Call::refine("ann").header("prefer", preference));
        is_first_answer(&reply);
        assert_eq!(service.memory.called("watch"), 0, "{preference}");
    }
    let service = Service::new();
    let twice = Call::refine("ann").header("prefer", "respond-async");
    let mut pending = service.begin(twice.header("prefer", "wait=\"5\"; why=not"));
    end(&service, Status::Failed);
    let reply = pending.answer().unwrap();
    assert_eq!(reply.header("preference-applied"), Some("wait=5"));
}

#[test]
fn what_ends_a_wait_early_answers_that_the_task_was_accepted() {
    type Fault = fn(&Service);
    let cases: [(&str, Fault); 3] = [
        ("the task is deleted", |service| {
            let id = service.memory.task().id;
            let delete = Call::delete(format!("/api/tasks/{id}")).by("ann");
            assert_eq!(service.send(delete).status, 204);
        }),
        ("the host stops", |service| {
            service.memory.0.borrow_mut().watching.clear();
        }),
        ("the image cannot be signed", |service| {
            service.memory.fail("sign");
            end(service, Status::Completed);
        }),
    ];
    for (name, fault) in cases {
        let service = Service::new();
        let mut pending = service.begin(waiting());
        fault(&service);
        let reply = pending.answer();
        is_first_answer(&reply.unwrap_or_else(|| panic!("it goes on: {name}")));
    }
    let service = Service::new();
    service.memory.fail("watch");
    is_first_answer(&service.send(waiting()));
}

#[test]
fn a_repeat_may_wait_too() {
    let service = Service::new();
    let call = |prefers: bool| {
        let call = Call::refine("ann").header("idempotency-key", "k");
        match prefers {
            true => call.header("prefer", "wait=5"),
            false => call,
        }
    };
    let first = service.send(call(false));
    let mut pending = service.begin(call(true));
    let mut another = service.begin(call(true));
    service.memory.advance(Duration::from_secs(5));
    let reply = another.answer().unwrap();
    is_first_answer(&reply);
    assert_eq!(reply.body, first.body);
    assert_eq!(reply.header("idempotency-replayed"), Some("true"));
    drop(pending.answer());

    let mut pending = service.begin(call(true));
    end(&service, Status::Completed);
    let reply = pending.answer().unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, task(&service).body);
    assert_eq!(reply.header("idempotency-replayed"), Some("true"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("9"));

    // One that comes after the end does not wait, and without the header it gets
    // what the first one got.
    let reply = service.send(call(true));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("preference-applied"), Some("wait=5"));
    assert_eq!(service.send(call(false)).body, first.body);

    let id = service.memory.task().id;
    service.memory.0.borrow_mut().store.delete("ann", &id);
    let reply = service.send(call(true));
    is_first_answer(&reply);
    assert_eq!(reply.body, first.body);
    assert_eq!(service.memory.0.borrow().messages.len(), 1);
}

#[test]
fn who_waits_is_refused_as_others_are() {
    let service = Service::new();
    let _pending = service.begin(waiting());
    assert_eq!(service.send(waiting()).status, 409, "an active task");
    let invalid = Call::post(super::PATH).by("bob").header("prefer", "wait");
    service
        .send(invalid.json(&serde_json::json!({})))
        .is_error(422, "VALIDATION_ERROR");
    service.memory.fail("publish");
    let unpublished = Call::refine("bob").header("prefer", "wait");
    service
        .send(unpublished)
        .is_error(503, "SERVICE_UNAVAILABLE");
}

#[test]
fn a_client_that_leaves_changes_nothing() {
    let service = Service::new();
    drop(service.begin(waiting()));
    assert_eq!(service.memory.task().status, Status::Pending);
    assert_eq!(service.memory.0.borrow().messages.len(), 1);
    assert_eq!(service.memory.watchers(), 0);
}

#[test]
fn an_overdue_task_is_published_again_while_somebody_waits() {
    let service = Service::new();
    let mut pending = service.begin(Call::refine("ann").header("prefer", "wait=60"));
    for _ in 0..2 {
        service.memory.advance(Duration::from_secs(16));
        assert!(pending.answer().is_none());
    }
    service.do_background_work();
    assert!(service.memory.0.borrow().messages.len() >= 2);
}
