//! Webhooks: asked for with a task, inspected, and requested again.

use std::time::Duration;

use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryAnswer, DeliveryOutcome, DeliveryPermits};
use serde_json::{Value, json};

use super::service::{Call, NOW, ORIGIN, Service, refinement};
use crate::Method;

const ID: &str = "00000000-0000-4000-8000-000000000001";
const URL: &str = "https://receiver.example/hook";

fn with_webhook(url: &Value) -> Call {
    let mut body = refinement();
    body["webhook_url"] = url.clone();
    Call::post("/api/concepts/refine").by("ann").json(&body)
}

/// A service with one task of ann's, and its webhook.
fn with_task() -> Service {
    let service = Service::new();
    assert_eq!(service.send(with_webhook(&json!(URL))).status, 202);
    service
}

fn end(service: &Service, at: Timestamp) {
    service.memory.edit_task(|task| {
        task.status = Status::Failed;
        task.completed_at = Some(at);
    });
}

/// Makes the attempt that is due.
fn attempt(service: &Service, code: u16) {
    let mut state = service.memory.0.borrow_mut();
    let now = state.now;
    let permits = DeliveryPermits::new(1, 1, []);
    let due = state.store.claim_deliveries(permits, now);
    let [due] = due.as_slice() else {
        panic!("one attempt is due, not {due:?}")
    };
    assert_eq!(due.webhook.origin, ORIGIN);
    let outcome = DeliveryOutcome {
        at: now,
        answer: DeliveryAnswer::Status {
            code,
            retry_after: None,
        },
    };
    let _ = state.store.record_attempt(&due.lease, outcome, 0.0, now);
}

fn read(service: &Service) -> Value {
    let reply = service.send(Call::get(format!("/api/tasks/{ID}/webhook")).by("ann"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.json()
}

fn redeliver(service: &Service) -> (u16, Value) {
    let path = format!("/api/tasks/{ID}/webhook/redeliver");
    let reply = service.send(Call::new(Method::Post, path).by("ann"));
    (reply.status, reply.json())
}

#[test]
fn it_is_read_as_it_stands() {
    let service = with_task();
    let mut expected = json!({
        "url": URL,
        "state": "pending",
        "attempts": [],
        "next_attempt_at": null,
    });
    assert_eq!(read(&service), expected, "the task has not ended");
    assert_eq!(redeliver(&service).0, 409);

    end(&service, NOW);
    expected["next_attempt_at"] = json!("2026-11-20T12:00:00.123456Z");
    assert_eq!(read(&service), expected, "the first attempt is due");
    assert_eq!(redeliver(&service).0, 409);

    attempt(&service, 500);
    expected["attempts"] = json!([{
        "at": "2026-11-20T12:00:00.123456Z",
        "status": 500,
        "error": "The receiver answered 500.",
    }]);
    expected["next_attempt_at"] = json!("2026-11-20T12:00:05.123456Z");
    assert_eq!(read(&service), expected, "the first attempt failed");

    service.memory.advance(Duration::from_secs(5));
    attempt(&service, 204);
    let second = json!({"at": "2026-11-20T12:00:05.123456Z", "status": 204, "error": null});
    expected["attempts"].as_array_mut().unwrap().push(second);
    expected["state"] = json!("delivered");
    expected["next_attempt_at"] = Value::Null;
    assert_eq!(read(&service), expected, "the second one delivered");

    service.memory.advance(Duration::from_secs(60));
    expected["state"] = json!("pending");
    expected["next_attempt_at"] = json!("2026-11-20T12:01:05.123456Z");
    assert_eq!(redeliver(&service), (202, expected.clone()));
    assert_eq!(read(&service), expected, "one more was requested");
    let (status, problem) = redeliver(&service);
    assert_eq!((status, &problem["error_code"]), (409, &json!("CONFLICT")));

    attempt(&service, 410);
    assert_eq!(read(&service)["state"], "failed");
    assert_eq!(read(&service)["attempts"][2]["status"], 410);
}

#[test]
fn a_task_says_nothing_of_it() {
    let service = with_task();
    let task = service.send(Call::get(format!("/api/tasks/{ID}")).by("ann"));
    let metadata = task.json()["metadata"].clone();
    let keys: Vec<_> = metadata.as_object().unwrap().keys().cloned().collect();
    let expected = [
        "logo_description",
        "original_image_url",
        "refinement_prompt",
        "theme_description",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn there_is_none_where_none_was_asked_for() {
    let service = with_task();
    let without = Service::new();
    without.send(Call::refine("ann"));
    let of_null = Service::new();
    assert_eq!(of_null.send(with_webhook(&Value::Null)).status, 202);
    let other = "00000000-0000-4000-8000-000000000002";
    for (name, service, user, id) in [
        ("another user's", &service, "bob", ID),
        ("no such task", &service, "ann", other),
        ("no id", &service, "ann", "1"),
        ("without a webhook", &without, "ann", ID),
        ("with null", &of_null, "ann", ID),
    ] {
        for (method, path) in [
            (Method::Get, format!("/api/tasks/{id}/webhook")),
            (Method::Post, format!("/api/tasks/{id}/webhook/redeliver")),
        ] {
            let reply = service.send(Call::new(method, path).by(user));
            assert_eq!(reply.status, 404, "{name}");
        }
    }
    let path = format!("/api/tasks/{ID}");
    service.send(Call::new(Method::Delete, path).by("ann"));
    let path = format!("/api/tasks/{ID}/webhook");
    assert_eq!(service.send(Call::get(path).by("ann")).status, 404);
}

#[test]
fn its_url_is_judged() {
    let allowed = [("allow-webhooks", "127.0.0.1:9000")];
    let long = format!("https://example.com/{}", "a".repeat(2_029));
    for (url, problem) in [
        (json!(URL), None),
        (json!("http://127.0.0.1:9000/hook"), None),
        (json!("http://example.com/"), Some("must be an https URL")),
        (json!(""), Some("must be an https URL")),
        (json!(7), Some("must be a string")),
        (
            json!("https://127.0.0.1:9001/"),
            Some("must point to a public address"),
        ),
        (json!(long), Some("must be at most 2048 characters")),
    ] {
        let service = Service::with(&allowed);
        let reply = service.send(with_webhook(&url));
        let Some(problem) = problem else {
            assert_eq!(reply.status, 202, "{url}");
            continue;
        };
        assert_eq!(reply.status, 422, "{url}");
        let expected = json!({"webhook_url": [problem]});
        assert_eq!(reply.json()["field_errors"], expected, "{url}");
    }
}

#[test]
fn it_is_part_of_what_a_key_compares() {
    let service = Service::new();
    let keyed = |url: &Value| with_webhook(url).header("idempotency-key", "a");
    assert_eq!(service.send(keyed(&json!(URL))).status, 202);
    let again = service.send(keyed(&json!(URL)));
    assert_eq!(again.status, 202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    for url in [Value::Null, json!("https://receiver.example/other")] {
        assert_eq!(service.send(keyed(&url)).status, 422, "{url}");
    }
}

#[test]
fn each_user_has_a_key_of_their_own() {
    let secrets = [("webhook-secret", "new secret, old secret")];
    let service = Service::with(&secrets);
    let secret = |service: &Service, user: &str| {
        let reply = service.send(Call::get("/api/webhooks/secret").by(user));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let secret = reply.json()["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("whsec_"), "{secret}");
        secret
    };
    let ann = secret(&service, "ann");
    assert_eq!(secret(&service, "ann"), ann);
    assert_ne!(secret(&service, "bob"), ann);
    let one = Service::with(&[("webhook-secret", "new secret")]);
    assert_eq!(secret(&one, "ann"), ann, "the first of the two is told");
    let reply = service.send(Call::get("/api/webhooks/secret"));
    assert_eq!(reply.status, 401);
}
