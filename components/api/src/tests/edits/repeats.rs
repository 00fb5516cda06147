//! How a task of OpenAI's door fails, and what a repeat of its request leads to.

use super::*;

#[test]
fn a_failed_task_says_whether_a_repeat_can_help() {
    use FailureCause::{Other, PerhapsPaid, Refused};
    for (cause, status, should_retry) in [
        (Some(Refused), 400, Some("false")),
        (Some(PerhapsPaid), 500, Some("false")),
        (Some(Other), 500, None),
        (None, 500, None),
    ] {
        let service = Service::new();
        let reply = ended(&service, edit(&[]), failed(cause));
        assert_eq!(
            is_error(&reply, status, None, Some("task_failed")),
            "It failed."
        );
        assert_eq!(reply.header("x-should-retry"), should_retry, "{cause:?}");
        assert_eq!(uploads(&service), [""; 0], "{cause:?}");
    }
}

#[test]
fn what_takes_too_long_can_be_waited_for_again() {
    let service = Service::with(&[("task-timeout", "2m")]);
    let mut pending = service.begin(edit(&[]));
    service.poll_background_work();
    service.memory.advance(Duration::from_secs(120));
    let reply = pending.answer().unwrap();
    is_error(&reply, 503, None, None);
    assert_eq!(reply.header("retry-after"), Some("1"));
    // Its upload stays until it ends, whether anybody waits or not.
    drop(pending);
    assert_eq!(uploads(&service).len(), 1);
    service.memory.change_task(completed);
    service.poll_background_work();
    assert_eq!(uploads(&service), [""; 0]);
}

#[test]
fn a_task_that_was_deleted_is_not_waited_for() {
    let service = Service::new();
    let keyed = || edit(&[]).header("idempotency-key", "a");
    let mut first = service.begin(keyed());
    delete(&service);
    let reply = first.answer().unwrap();
    is_error(&reply, 404, None, None);
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert_eq!(uploads(&service), [""; 0]);
    // A repeat gets the same answer, at once.
    let mut repeat = service.begin(keyed());
    service.poll_background_work();
    is_error(&repeat.answer().unwrap(), 404, None, None);
    assert_eq!(uploads(&service), [""; 0]);
}

#[test]
fn a_stream_ends_when_its_task_is_deleted() {
    let service = Service::new();
    let mut events = service.open(edit(&[("stream", "true")])).1.unwrap();
    delete(&service);
    let told = events.so_far();
    assert!(told.contains("The task was deleted."), "{told}");
    assert!(events.has_ended());
    assert_eq!(uploads(&service), [""; 0]);
}

/// Deletes the only task, while it is waited for.
fn delete(service: &Service) {
    service.poll_background_work();
    let id = service.memory.task().id;
    service.send(Call::delete(format!("/api/tasks/{id}")).by("ann"));
    service.poll_background_work();
}

#[test]
fn an_unusable_key_is_refused() {
    let long = "a".repeat(256);
    for key in ["", "a b", &long] {
        let service = Service::new();
        let reply = service.send(edit(&[]).header("idempotency-key", key));
        is_error(&reply, 400, Some("Idempotency-Key"), None);
        assert_eq!(uploads(&service), [""; 0], "{key:?}");
        assert_eq!(tasks(&service), 0, "{key:?}");
    }
}

#[test]
fn a_repeat_joins_the_task_of_the_same_request() {
    let original = original();
    let other = png(3, 3, 100);
    let send = |boundary: &str, image: &[u8], prompt: &str, retry: Option<&str>, user: &str| {
        let prompt = ("prompt", None, prompt.as_bytes());
        let body = form(boundary, &[("image", Some("a.png"), image), prompt]);
        let declared = format!("multipart/form-data; boundary={boundary}");
        let call = Call::post(PATH).by(user).header("content-type", declared);
        let call = match retry {
            Some(count) => call.header(RETRY_COUNT, count),
            None => call,
        };
        call.body(body)
    };
    let again = ("x", &original, "a", Some("1"), "ann");
    let with_prompt = ("x", &original, "b", Some("1"), "ann");
    let with_image = ("x", &other, "a", Some("1"), "ann");
    let of_count = |count| ("x", &original, "a", count, "ann");
    for (name, request, later, is_joined) in [
        ("the same", again, 0, true),
        (
            "another boundary",
            ("other", &original, "a", Some("2"), "ann"),
            599,
            true,
        ),
        ("too late", again, 600, false),
        ("no repeat", of_count(None), 0, false),
        ("the first", of_count(Some("0")), 0, false),
        ("no number", of_count(Some("x")), 0, false),
        ("another prompt", with_prompt, 0, false),
        ("another image", with_image, 0, false),
        (
            "another user",
            ("x", &original, "a", Some("1"), "bob"),
            0,
            false,
        ),
    ] {
        let (boundary, image, prompt, retry, user) = request;
        let service = Service::with(&[("active-tasks", "9")]);
        let first = ended(
            &service,
            send("x", &original, "a", None, "ann"),
            failed(Some(FailureCause::Refused)),
        );
        service.memory.advance(Duration::from_secs(later));
        let repeat = send(boundary, image, prompt, retry, user);
        let mut pending = service.begin(repeat);
        service.poll_background_work();
        let answer = pending.answer();
        assert_eq!(answer.is_some(), is_joined, "{name}");
        assert_eq!(tasks(&service), 2 - usize::from(is_joined), "{name}");
        if let Some(answer) = answer {
            assert_eq!(answer.json(), first.json(), "{name}");
            assert_eq!(uploads(&service), [""; 0], "{name}");
        }
    }
}

#[test]
fn a_key_of_its_own_joins_for_a_day() {
    let service = Service::with(&[("active-tasks", "9")]);
    let token = signed(json!({"sub": "ann", "exp": NOW.as_secs() + 100_000}));
    let keyed = |key: &str| {
        let call = Call::post(PATH).header("authorization", format!("Bearer {token}"));
        let json = json!({"images": [{"image_url": data_url(&original())}], "prompt": "x"});
        call.header("idempotency-key", key).json(&json)
    };
    let _ = ended(&service, keyed("a"), completed);
    service
        .memory
        .advance(Duration::from_secs(24 * 60 * 60 - 1));
    let mut pending = service.begin(keyed("a"));
    service.poll_background_work();
    assert!(pending.answer().is_some());
    let mut pending = service.begin(keyed("b"));
    service.poll_background_work();
    assert!(pending.answer().is_none());
}
