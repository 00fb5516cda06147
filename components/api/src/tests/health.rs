//! Health and readiness.

use std::time::Duration;

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
    let problem = "The model failed 5 times in a row.".to_owned();
    let mut memory = service.memory.0.borrow_mut();
    memory.problems.insert("model", problem);
    drop(memory);
    for (milliseconds, status, checks) in [(0, 200, 1), (999, 200, 1), (1, 503, 2), (0, 503, 2)] {
        service.memory.advance(Duration::from_millis(milliseconds));
        assert_eq!(ready(), status, "after {milliseconds} ms");
        assert_eq!(service.memory.called("check"), checks);
    }
}

#[test]
fn not_ready() {
    let service = Service::new();
    let problem = "The model failed 5 times in a row.".to_owned();
    service
        .memory
        .0
        .borrow_mut()
        .problems
        .insert("model", problem.clone());
    let reply = service.send(Call::get("/api/health/ready"));
    assert_eq!(reply.status, 503);
    assert_eq!(
        reply.json(),
        json!({
            "status": "degraded",
            "capabilities": {"tasks": "ok", "queue": "ok", "images": "ok", "model": problem},
        })
    );
}
