//! What is left of a user's quota.

use serde_json::{Value, json};

use super::service::{Call, Service};

fn quota(service: &Service, user: &str) -> Value {
    let reply = service.send(Call::get("/api/quota").by(user));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.json()
}

#[test]
fn it_counts_the_callers_tasks() {
    let service = Service::with(&[("rate-limit", "2/day")]);
    let left = |remaining: u32| {
        // 2026-11-21T00:00:00Z
        let reset = 1_795_219_200;
        json!({"limit": 2, "remaining": remaining, "window": "day", "reset": reset})
    };
    assert_eq!(quota(&service, "ann"), left(2));
    let accepted = service.send(Call::refine("ann"));
    assert_eq!(quota(&service, "ann"), left(1));
    let told = left(1)["reset"].to_string();
    assert_eq!(accepted.header("x-ratelimit-reset"), Some(told.as_str()));
    assert_eq!(quota(&service, "bob"), left(2));
    service.memory.fail("publish");
    assert_eq!(service.send(Call::refine("bob")).status, 503);
    assert_eq!(quota(&service, "bob"), left(2), "it was given back");
}

#[test]
fn without_a_limit_all_is_null() {
    let service = Service::with(&[("rate-limit", "unlimited")]);
    service.send(Call::refine("ann"));
    let none = json!({"limit": null, "remaining": null, "window": null, "reset": null});
    assert_eq!(quota(&service, "ann"), none);
    assert_eq!(service.memory.called("used"), 0);
}

#[test]
fn it_is_the_callers_alone() {
    let service = Service::new();
    let nobody = service.send(Call::get("/api/quota"));
    nobody.is_error(401, "UNAUTHORIZED");
    let posted = service.send(Call::post("/api/quota").by("ann"));
    assert_eq!(
        (posted.status, posted.header("allow")),
        (405, Some("GET, HEAD"))
    );
    service.memory.fail("used");
    let away = service.send(Call::get("/api/quota").by("ann"));
    away.is_error(503, "SERVICE_UNAVAILABLE");
}
