//! `POST /api/concepts/refine`: each of its answers.

use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::task::Status;
use serde_json::{Value, json};

use super::service::{Call, NOW, ORIGIN, Service, refinement, signed};

mod originals;
mod validation;
mod waiting;

pub const PATH: &str = "/api/concepts/refine";
pub fn with(field: &str, value: Value) -> Value {
    let mut body = refinement();
    body[field] = value;
    body
}

#[test]
fn accepted_as_the_seed_shows() {
    let service = Service::new();
    let reply = service.send(Call::refine("ann"));
    assert_eq!(reply.status, 202);
    let body = reply.json();
    assert_eq!(
        body,
        json!({
            "task_id": "00000000-0000-4000-8000-000000000001",
            "status": "pending",
            "message": "Concept refinement task created and queued for processing",
            "type": "concept_refinement",
            "created_at": "2026-11-20T12:00:00.123456Z",
            "updated_at": null,
            "completed_at": null,
            "metadata": refinement(),
            "result_id": null,
            "image_url": null,
            "error_message": null,
        })
    );
    let limits = ["limit", "remaining", "reset"];
    let limits = limits.map(|name| reply.header(&format!("x-ratelimit-{name}")));
    assert_eq!(limits, ["10", "9", "1796083200"].map(Some));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("idempotency-replayed"), None);

    let state = service.memory.0.borrow();
    let message: Value = serde_json::from_slice(&state.messages[0]).unwrap();
    assert_eq!(message["task_id"], body["task_id"]);
    assert_eq!(message["user_id"], "ann");
    assert_eq!(state.messages.len(), 1);
}

#[test]
fn metadata_holds_what_was_sent() {
    let sent = json!({
        "original_image_url": "https://example.com/ä b.png",
        "refinement_prompt": "  heller, bitte 🙂 ",
        "unknown": [1, 2],
    });
    let service = Service::new();
    let reply = service.send(Call::post(PATH).by("ann").json(&sent));
    assert_eq!(
        reply.json()["metadata"],
        json!({
            "original_image_url": "https://example.com/ä b.png",
            "refinement_prompt": "  heller, bitte 🙂 ",
            "logo_description": null,
            "theme_description": null,
        })
    );
}

#[test]
fn the_token_says_who_is_anonymous() {
    let cases = [
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (json!(null), false),
    ];
    for (claim, expected) in cases {
        let service = Service::new();
        let claims = json!({"sub": "ann", "exp": NOW.as_secs() + 9, "is_anonymous": claim});
        let call = Call::post(PATH)
            .header("authorization", format!("Bearer {}", signed(claims)))
            .json(&refinement());
        assert_eq!(service.send(call).status, 202);
        assert_eq!(service.memory.task().is_anonymous, expected);
    }
}

#[test]
fn unlimited_has_no_rate_limit_headers() {
    let service = Service::with(&[("rate-limit", "unlimited")]);
    for status in [202, 409] {
        let reply = service.send(Call::refine("ann"));
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("x-ratelimit-limit"), None);
    }
}

#[test]
fn judged_in_the_order_of_the_contract() {
    let service = Service::new();
    let post = || Call::post(PATH).by("ann");
    let keyed = |call: Call| call.header("idempotency-key", "k");
    service.send(keyed(Call::refine("ann")));
    let memory = &service.memory;
    memory.fail("publish");
    let large = vec![b' '; 64 * 1024 + 1];
    let elsewhere = |call: Call| call.header("sec-fetch-site", "cross-site");
    let own = format!("{ORIGIN}/api/images/uploads/none");
    let missing = with("original_image_url", json!(own));
    let blank = with("refinement_prompt", json!(" "));
    let by_cookie = Call::post(PATH).by_cookie("ann");
    // Each request has its own fault and all those that are judged later.
    let cases = [
        ("401", elsewhere(Call::post(PATH)).body(large.clone()), 401),
        ("403", elsewhere(by_cookie).body(large.clone()), 403),
        ("413", post().body(large), 413),
        ("415", post().body("{"), 415),
        ("422", keyed(post()).json(&blank), 422),
        ("422 of a key", keyed(post()).json(&missing), 422),
        ("a repeat", keyed(Call::refine("ann")), 202),
        ("404", post().json(&missing), 404),
        ("409", Call::refine("ann"), 409),
        ("503", Call::refine("bob"), 503),
    ];
    for (name, call, status) in cases {
        assert_eq!(service.send(call).status, status, "{name}");
    }
}

#[test]
fn a_repeat_gets_the_first_answer_again() {
    let service = Service::new();
    let longest = "k".repeat(255);
    let call = || Call::refine("ann").header("Idempotency-Key", &longest);
    let first = service.send(call());
    type Change = fn(&Service);
    let changes: [(&str, Change); 3] = [
        ("while it is pending", |_| {}),
        ("when it is finished", |service| {
            service
                .memory
                .edit_task(|task| task.status = Status::Failed);
        }),
        ("when it is gone", |service| {
            let id = service.memory.task().id;
            let deleted = service.memory.0.borrow_mut().store.delete("ann", &id);
            assert!(deleted);
        }),
    ];
    for (name, change) in changes {
        change(&service);
        let again = service.send(call());
        assert_eq!(again.status, 202, "{name}");
        assert_eq!(again.body, first.body, "{name}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{name}");
        assert_eq!(again.header("x-ratelimit-remaining"), Some("9"), "{name}");
    }
    assert_eq!(service.memory.0.borrow().messages.len(), 1);
    let other = with("logo_description", json!("another"));
    let keyed = Call::post(PATH)
        .by("ann")
        .header("idempotency-key", &longest);
    let reply = service.send(keyed.json(&other));
    reply.is_error(422, "VALIDATION_ERROR");
    let status = service.send(call().by("ann")).status;
    assert_eq!(status, 401, "two credentials");
}

#[test]
fn an_active_task_is_a_conflict() {
    let service = Service::new();
    let first = service.send(Call::refine("ann")).json();
    let reply = service.send(Call::refine("ann"));
    assert_eq!(reply.status, 409);
    let mut expected = first;
    expected["message"] = json!("A concept refinement task is already in progress");
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("9"));
    assert_eq!(service.memory.0.borrow().messages.len(), 1);
    assert_eq!(service.send(Call::refine("bob")).status, 202);
}

#[test]
fn an_overdue_active_task_is_published_again() {
    let service = Service::new();
    service.send(Call::refine("ann"));
    service.memory.advance(Duration::from_secs(16));
    assert_eq!(service.send(Call::refine("ann")).status, 409);
    service.do_background_work();
    assert_eq!(service.memory.0.borrow().messages.len(), 2);
}

#[test]
fn a_used_up_quota() {
    let service = Service::with(&[("rate-limit", "1/day")]);
    assert_eq!(service.send(Call::refine("ann")).status, 202);
    service
        .memory
        .edit_task(|task| task.status = Status::Failed);
    let reply = service.send(Call::refine("ann"));
    let body = reply.is_error(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(
        body["detail"],
        "Rate limit exceeded for /concepts/refine (1/day). Try again later."
    );
    assert_eq!(reply.header("retry-after"), Some("43200"));
    assert_eq!(reply.header("x-ratelimit-limit"), Some("1"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(reply.header("x-ratelimit-reset"), Some("1795219200"));
}

#[test]
fn a_long_backlog() {
    let service = Service::new();
    service.memory.0.borrow_mut().store.limit_backlog(0);
    let reply = service.send(Call::refine("ann"));
    reply.is_error(503, "SERVICE_UNAVAILABLE");
    assert_eq!(reply.header("retry-after"), Some("10"));
}

#[test]
fn capabilities_that_fail() {
    let service = Service::new();
    service.memory.fail("submit");
    let body = service
        .send(Call::refine("ann"))
        .is_error(503, "SERVICE_UNAVAILABLE");
    assert_eq!(body["detail"], "submit is out of reach.");

    let faults = [
        (CapabilityError::full("There is no room left."), 503),
        (CapabilityError::invalid("secret details"), 500),
    ];
    for (fault, status) in faults {
        let service = Service::new();
        service.memory.0.borrow_mut().faults.insert("submit", fault);
        let reply = service.send(Call::refine("ann"));
        assert_eq!(reply.status, status);
        assert!(!String::from_utf8_lossy(&reply.body).contains("secret"));
    }
}

#[test]
fn a_task_that_cannot_be_published() {
    let service = Service::new();
    service.memory.fail("publish");
    let call = || Call::refine("ann").header("idempotency-key", "k");
    service.send(call()).is_error(503, "SERVICE_UNAVAILABLE");
    assert_eq!(service.memory.task().status, Status::Failed);
    service.memory.0.borrow_mut().faults.clear();
    let reply = service.send(call());
    assert_eq!(reply.status, 202);
    assert_eq!(reply.header("idempotency-replayed"), None);
}

#[test]
fn a_queue_that_is_full_says_when_to_come_again() {
    let service = Service::new();
    let full = CapabilityError::full("The queue has no room left.");
    let faults: [(_, Option<&str>); 2] = [
        (full, Some("10")),
        (CapabilityError::unavailable("It is away."), None),
    ];
    for (fault, retry_after) in faults {
        let mut state = service.memory.0.borrow_mut();
        state.faults.insert("publish", fault);
        drop(state);
        let reply = service.send(Call::refine("ann"));
        reply.is_error(503, "SERVICE_UNAVAILABLE");
        assert_eq!(reply.header("retry-after"), retry_after);
    }
}

#[test]
fn a_task_that_went_on_without_its_message() {
    let service = Service::new();
    service.memory.fail("publish");
    service.memory.0.borrow_mut().is_taken_at_once = true;
    assert_eq!(service.send(Call::refine("ann")).status, 202);
    assert_eq!(service.memory.called("withdraw"), 1);
}

#[test]
fn a_task_that_can_be_neither_published_nor_withdrawn() {
    let service = Service::new();
    service.memory.fail("publish");
    service.memory.fail("withdraw");
    let reply = service.send(Call::refine("ann"));
    reply.is_error(503, "SERVICE_UNAVAILABLE");
}
