//! Health and readiness.

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
