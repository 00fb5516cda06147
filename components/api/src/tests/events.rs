//! Watching a task.

use std::time::Duration;

use concept_refinement_domain::task::{Change, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::service::{Call, Events, NOW, ORIGIN, Reply, Service};
use super::tasks::{ID, with_task};
use crate::Method;

const CONCEPT: &str = "00000000-0000-4000-8000-0000000000c0";
const OPENING: &str = "retry: 1000\n";
const COMMENT: &str = ": keep-alive\n\n";

fn call() -> Call {
    Call::get(format!("/api/tasks/{ID}/events")).by("ann")
}

fn watch(service: &Service, call: Call) -> Events {
    let (reply, events) = service.open(call);
    assert_eq!(reply.status, 200);
    events.unwrap()
}

/// The state of a task from the next microseconds on.
fn turned(status: Status, after: u64) -> impl FnOnce(&mut Task) {
    move |task| {
        task.status = status;
        task.updated_at = Some(Timestamp(NOW.0 + after));
    }
}

/// The event that tells the task as it reads now.
fn current_event(service: &Service) -> String {
    let task = service.send(Call::get(format!("/api/tasks/{ID}")).by("ann"));
    let shown = String::from_utf8(task.body.clone()).unwrap();
    let id = last_id(service);
    assert!(!shown.contains('\n'));
    format!("event: task\nid: {id}\ndata: {shown}\n\n")
}

/// The id of the state that the task is in.
fn last_id(service: &Service) -> String {
    let task = service.memory.task();
    let since = task.updated_at.unwrap_or(task.created_at);
    format!("{}-{}", since.0, task.status.as_str())
}

fn stopped(reply: &Reply) -> bool {
    assert!(reply.body.is_empty());
    reply.status == 204
}

#[test]
fn each_change_is_told_once_and_the_last_ends_it() {
    let service = with_task();
    let mut events = watch(&service, call());
    let expected = format!("{OPENING}{}", current_event(&service));
    assert_eq!(events.so_far(), expected);
    assert_eq!(events.so_far(), "");

    service.memory.change_task(turned(Status::Processing, 1));
    assert_eq!(events.so_far(), current_event(&service));
    for (stage, name) in [
        (Stage::Downloading, "downloading"),
        (Stage::Refining, "refining"),
        (Stage::StoringImage, "storing-image"),
        (Stage::StoringConcept, "storing-concept"),
    ] {
        service.memory.tell(Change::Progress(stage));
        let expected = format!("event: progress\ndata: {{\"stage\":\"{name}\"}}\n\n");
        assert_eq!(events.so_far(), expected);
    }
    service.memory.change_task(|task| {
        turned(Status::Completed, 2)(task);
        task.completed_at = task.updated_at;
        task.result_id = Some(CONCEPT.into());
        task.image_path = Some("refined/x.png".into());
    });
    let last = events.so_far();
    assert_eq!(last, current_event(&service));
    let url = format!("\"image_url\":\"{ORIGIN}/api/images/refined/x.png?expires=");
    assert!(last.contains(&url), "{last}");
    assert!(events.has_ended());
}

#[test]
fn the_head() {
    let service = with_task();
    let (reply, _) = service.open(call());
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-accel-buffering"), Some("no"));
    assert_eq!(reply.header("content-length"), None);

    let path = format!("/api/tasks/{ID}/events");
    let (head, events) = service.open(Call::new(Method::Head, path).by("ann"));
    assert_eq!((head.status, &head.headers), (200, &reply.headers));
    assert!(events.is_none());
    assert_eq!(service.memory.watchers(), 0);
}

#[test]
fn a_finished_task_is_told_once() {
    for status in [Status::Completed, Status::Failed] {
        let service = with_task();
        service.memory.edit_task(turned(status, 1));
        let mut events = watch(&service, call());
        let expected = format!("{OPENING}{}", current_event(&service));
        assert_eq!(events.so_far(), expected);
        assert!(events.has_ended());
    }
}

#[test]
fn who_comes_back_is_told_what_is_new() {
    use Status::{Completed, Failed, Pending, Processing};
    // What the task was when it was seen, what it is now, and whether that is
    // told again.
    let cases = [
        ("still pending", (Pending, 0), (Pending, 0), Some(false)),
        ("taken", (Pending, 0), (Processing, 1), Some(true)),
        ("at it", (Processing, 1), (Processing, 1), Some(false)),
        ("taken over", (Processing, 1), (Processing, 2), Some(true)),
        ("given back", (Processing, 1), (Pending, 2), Some(true)),
        ("done by now", (Processing, 1), (Completed, 2), Some(true)),
        ("seen to be done", (Completed, 2), (Completed, 2), None),
        ("seen to have failed", (Failed, 2), (Failed, 2), None),
    ];
    for (name, seen, now, expected) in cases {
        let service = with_task();
        service.memory.edit_task(turned(seen.0, seen.1));
        let id = last_id(&service);
        service.memory.edit_task(turned(now.0, now.1));
        let (reply, events) = service.open(call().header("Last-Event-ID", &id));
        match expected {
            None => {
                assert!(stopped(&reply), "{name}");
                assert!(events.is_none(), "{name}");
            }
            Some(is_told) => {
                let mut events = events.unwrap();
                let task = match is_told {
                    true => current_event(&service),
                    false => String::new(),
                };
                assert_eq!(events.so_far(), format!("{OPENING}{task}"), "{name}");
                assert_eq!(events.has_ended(), now.0.is_final(), "{name}");
            }
        }
    }
}

/// What a client could make up does no more than begin anew.
#[test]
fn ids_that_were_never_given() {
    let long = "9".repeat(10_000);
    let cases: [&[u8]; 8] = [
        b"",
        b"deleted",
        b"-pending",
        b"99999999999999999999999999-pending",
        b"1795176000123456-PENDING",
        b"1795176000123457-pending",
        &[0xff, 0xfe],
        long.as_bytes(),
    ];
    for id in cases {
        let service = with_task();
        let mut events = watch(&service, call().header("last-event-id", id));
        let expected = format!("{OPENING}{}", current_event(&service));
        assert_eq!(events.so_far(), expected, "{id:?}");
    }
    let service = with_task();
    let id = last_id(&service);
    let twice = call().header("last-event-id", &id);
    let mut events = watch(&service, twice.header("last-event-id", &id));
    assert!(events.so_far().contains("event: task"));
}

#[test]
fn a_deleted_task_ends_its_events() {
    let service = with_task();
    let mut events = watch(&service, call());
    events.so_far();
    let delete = Call::delete(format!("/api/tasks/{ID}")).by("ann");
    assert_eq!(service.send(delete).status, 204);
    let expected = format!("event: deleted\nid: deleted\ndata: {{\"task_id\":\"{ID}\"}}\n\n");
    assert_eq!(events.so_far(), expected);
    assert!(events.has_ended());

    let again = call().header("last-event-id", "deleted");
    assert!(stopped(&service.send(again)));
    service.send(call()).is_error(404, "NOT_FOUND");
    let missed = call().header("last-event-id", "1-processing");
    service.send(missed).is_error(404, "NOT_FOUND");
}

#[test]
fn who_may_watch() {
    let service = with_task();
    let path = |id: &str| format!("/api/tasks/{id}/events");
    let (none, upper) = (ID.replace('1', "2"), ID.to_uppercase());
    let cases = [
        ("nobody", Call::get(path(ID)), 401),
        ("another user", Call::get(path(ID)).by("bob"), 404),
        ("no task", Call::get(path(&none)).by("ann"), 404),
        ("no id", Call::get(path("x")).by("ann"), 404),
        ("by the cookie", Call::get(path(ID)).by_cookie("ann"), 200),
        ("in any notation", Call::get(path(&upper)).by("ann"), 200),
        ("by POST", Call::post(path(ID)).by("ann"), 405),
        ("by DELETE", Call::delete(path(ID)).by("ann"), 405),
    ];
    for (name, call, status) in cases {
        let (reply, _) = service.open(call);
        assert_eq!(reply.status, status, "{name}");
    }
    // Whether a task is another's or nobody's is not to be told apart.
    let seen = |user: &str, id: &str| {
        let call = Call::get(path(id)).by(user);
        service.send(call.header("last-event-id", "deleted")).status
    };
    assert_eq!(seen("bob", ID), seen("bob", &ID.replace('1', "2")));
}

#[test]
fn silence_is_filled_with_comments() {
    let service = with_task();
    let mut events = watch(&service, call());
    events.so_far();
    let second = Duration::from_secs(1);
    let mut after = |passed: Duration| {
        service.memory.advance(passed);
        events.so_far()
    };
    assert_eq!(after(14 * second), "");
    assert_eq!(after(second), COMMENT);
    assert_eq!(after(14 * second), "");
    // An event is as good.
    service.memory.tell(Change::Progress(Stage::Refining));
    assert!(after(Duration::ZERO).starts_with("event: progress\n"));
    assert_eq!(after(14 * second), "");
    assert_eq!(after(second), COMMENT);
}

#[test]
fn who_leaves_watches_no_more() {
    let service = with_task();
    let events = [watch(&service, call()), watch(&service, call())];
    assert_eq!(service.memory.watchers(), 2);
    drop(events);
    assert_eq!(service.memory.watchers(), 0);
}

#[test]
fn a_store_that_closes_ends_the_events() {
    let service = with_task();
    let mut events = watch(&service, call());
    events.so_far();
    service.memory.0.borrow_mut().watching.clear();
    assert_eq!(events.so_far(), "");
    assert!(events.has_ended());
}

#[test]
fn a_store_out_of_reach() {
    let service = with_task();
    service.memory.fail("watch");
    service.send(call()).is_error(503, "SERVICE_UNAVAILABLE");

    // Before the head is sent, and after.
    let completed = |task: &mut Task| {
        turned(Status::Completed, 1)(task);
        task.image_path = Some("refined/x.png".into());
    };
    let service = with_task();
    let mut events = watch(&service, call());
    events.so_far();
    service.memory.fail("sign");
    service.memory.change_task(completed);
    assert_eq!(events.so_far(), "");
    assert!(events.has_ended());
    service.send(call()).is_error(503, "SERVICE_UNAVAILABLE");
}

#[test]
fn an_overdue_task_is_published_again_when_it_is_watched() {
    let service = with_task();
    service.memory.advance(Duration::from_secs(20));
    drop(watch(&service, call()));
    service.do_background_work();
    assert_eq!(service.memory.0.borrow().messages.len(), 2);
}

/// Its worker may die long after that, and nobody may do anything but watch.
#[test]
fn a_task_that_becomes_overdue_while_it_is_watched_is_published_again() {
    let service = with_task();
    let mut events = watch(&service, call());
    events.so_far();
    // After 15 s, 30 and 60.
    for messages in [2, 3, 3, 4] {
        service.memory.advance(Duration::from_secs(15));
        assert_eq!(events.so_far(), COMMENT);
        service.do_background_work();
        assert_eq!(service.memory.0.borrow().messages.len(), messages);
    }
}

/// A living worker moves the end of its lease on, of which no event tells.
#[test]
fn a_lease_that_runs_out_while_somebody_watches_is_noticed_when_it_does() {
    let leased = |seconds| {
        move |task: &mut Task| {
            task.status = Status::Processing;
            task.lease_until = Some(NOW.plus(Duration::from_secs(seconds)));
        }
    };
    for (swept, published, reads) in [("no", 1, 3), ("true", 0, 0)] {
        let service = Service::with(&[("swept", swept)]);
        service.send(Call::refine("ann"));
        service.memory.edit_task(leased(5));
        let path = format!("/api/tasks/{}/events", service.memory.task().id);
        let mut events = watch(&service, Call::get(path).by("ann"));
        events.so_far();
        let read = || service.memory.called("task");
        let (before, begin) = (service.memory.0.borrow().messages.len(), read());
        let mut after = |seconds| {
            service.memory.advance(Duration::from_secs(seconds));
            assert_eq!(events.so_far(), "");
            service.do_background_work();
            service.memory.0.borrow().messages.len() - before
        };
        service.memory.edit_task(leased(9));
        assert_eq!(after(5), 0, "renewed: {swept}");
        assert_eq!(after(4), published, "it has run out: {swept}");
        assert_eq!(after(1), published, "just looked: {swept}");
        assert_eq!(after(1), published, "not yet again: {swept}");
        assert_eq!(read() - begin, reads, "{swept}");
    }
}

/// Whatever a user wrote stays within the one line of data.
#[test]
fn no_text_of_a_user_becomes_an_event() {
    let prompt = "make it\n\nevent: deleted\r\ndata: {}\u{2028}\r\r lighter";
    let service = Service::new();
    let refinement = json!({
        "original_image_url": "https://example.com/a.png",
        "refinement_prompt": prompt,
    });
    let refine = Call::post("/api/concepts/refine").by("ann");
    assert_eq!(service.send(refine.json(&refinement)).status, 202);
    let text = watch(&service, call()).so_far();
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    let data: Value = serde_json::from_str(lines[3].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(data["metadata"]["refinement_prompt"], prompt);
}
