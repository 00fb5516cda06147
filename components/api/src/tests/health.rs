//! Health and readiness.

use std::time::Duration;

use concept_refinement_domain::sentence::{DISK_AT_RESERVE, IMAGES_AT_LIMIT, QUEUE_PAUSED};
use serde_json::json;

use super::service::{Call, Service};

#[test]
fn alive() {
    let service = Service::new();
    for _ in 0..3 {
        let reply = service.send(Call::get("/api/health"));
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.json(),
            json!({"status": "healthy", "version": "1.2.3", "model": "It edits by rules."})
        );
    }
    assert_eq!(service.memory.called("model"), 1);
}

#[test]
fn ready() {
    let service = Service::new();
    let reply = service.send(Call::get("/api/health/ready"));
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json(),
        json!({
            "status": "ready",
            "capabilities": {"tasks": "ok", "queue": "ok", "images": "ok", "model": "ok"},
        })
    );
}

/// Anyone may ask as often as they like.
#[test]
fn readiness_is_kept_a_second() {
    let service = Service::new();
    let ready = || service.send(Call::get("/api/health/ready")).status;
    assert_eq!(ready(), 200);
    let problem = "They cannot be reached.".to_owned();
    let mut memory = service.memory.0.borrow_mut();
    memory.problems.insert("images", problem);
    drop(memory);
    for (milliseconds, status, checks) in [(0, 200, 1), (999, 200, 1), (1, 503, 2), (0, 503, 2)] {
        service.memory.advance(Duration::from_millis(milliseconds));
        assert_eq!(ready(), status, "after {milliseconds} ms");
        assert_eq!(service.memory.called("check"), checks);
    }
}

/// The model decides the status where somebody asks for it, the stores always.
#[test]
fn not_ready() {
    for (name, status, with_model) in [
        ("tasks", 503, 503),
        ("queue", 503, 503),
        ("images", 503, 503),
        ("model", 200, 503),
    ] {
        let service = Service::new();
        let problem = "It cannot be used.";
        let mut memory = service.memory.0.borrow_mut();
        memory.problems.insert(name, problem.to_owned());
        drop(memory);
        for (query, expected) in [
            ("", status),
            ("?model", with_model),
            ("?model=1", with_model),
            ("?models", status),
        ] {
            let reply = service.send(Call::get(format!("/api/health/ready{query}")));
            assert_eq!(reply.status, expected, "{name} {query}");
            let mut capabilities =
                json!({"tasks": "ok", "queue": "ok", "images": "ok", "model": "ok"});
            capabilities[name] = problem.into();
            let body = json!({"status": "degraded", "capabilities": capabilities});
            assert_eq!(reply.json(), body, "{name} {query}");
        }
    }
}

/// Such a host goes on with everything else, so a proxy must not leave it out.
#[test]
fn what_only_keeps_new_tasks_waiting_is_said_and_is_no_reason_to_leave() {
    for (name, problem) in [
        ("queue", QUEUE_PAUSED),
        ("tasks", DISK_AT_RESERVE),
        ("tasks", IMAGES_AT_LIMIT),
    ] {
        let service = Service::new();
        let mut memory = service.memory.0.borrow_mut();
        memory.problems.insert(name, problem.to_owned());
        drop(memory);
        let reply = service.send(Call::get("/api/health/ready?model"));
        assert_eq!(reply.status, 200, "{name}");
        assert_eq!(reply.json()["status"], "degraded", "{name}");
        assert_eq!(reply.json()["capabilities"][name], problem, "{name}");
    }
}
