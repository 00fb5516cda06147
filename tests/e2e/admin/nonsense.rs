//! What cannot be used is refused with a sentence, and nothing is done.

use reqwest::Method;
use serde_json::{Value, json};

use super::{NOTHING, assert_refused, entries, operator, shared};
use crate::shared::new_user;

/// What is wrong, and where.
fn assert_invalid(name: &str, answer: &concept_refinement_tests::client::Answer, field: &str) {
    assert_refused(name, answer, 422, "VALIDATION_ERROR");
    let problems = &answer.json()["field_errors"];
    let sentence = problems[field][0].as_str();
    let sentence = sentence.unwrap_or_else(|| panic!("{name}: {problems}"));
    assert!(sentence.ends_with('.'), "{name}: no sentence: {sentence}");
    assert_eq!(problems.as_object().unwrap().len(), 1, "{name}: {problems}");
}

#[tokio::test]
async fn a_query_that_cannot_be_used_is_refused() {
    let operator = operator(shared()).await;
    let tasks = super::read(&operator, "tasks?limit=1").await;
    assert!(tasks["tasks"].is_array());
    let own = new_user(shared());
    for _ in 0..2 {
        super::failed(&own).await;
    }
    let cursor = own.get("/api/tasks?limit=1").await.json();
    let cursor = cursor["next_cursor"].as_str().unwrap().to_owned();
    let of_user = format!("cursor={cursor}");
    let long = format!("cursor={}", "A".repeat(5_000));
    for (query, field) in [
        ("status=done", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("limit=5&limit=5", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=", "cursor"),
        (long.as_str(), "cursor"),
        (of_user.as_str(), "cursor"),
        ("users=ada", "query"),
    ] {
        let answer = operator.get(&format!("/admin/v1/tasks?{query}")).await;
        assert_invalid(query, &answer, field);
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("since=2026-11-20T12:00:00Z", "query"),
        ("cursor=", "cursor"),
        ("limit=1&limit=2", "limit"),
    ] {
        let answer = operator.get(&format!("/admin/v1/audit?{query}")).await;
        assert_invalid(query, &answer, field);
    }
    let answer = operator.get("/admin/v1/usage?group=task").await;
    assert_invalid("usage", &answer, "group");
    for query in ["since=0001-01-01T00:00:00Z", "until=9999-12-31T23:59:59Z"] {
        let path = format!("/admin/v1/usage?group=user&{query}");
        let answer = operator.get(&path).await;
        assert!(matches!(answer.status, 200 | 422), "{query}: {answer:?}");
    }
    // Whatever a user may be called, and an error say.
    for query in [
        "user=%00",
        "user=%27%20OR%201%3D1",
        "user=%F0%9F%8E%A8",
        "user=%FF",
        "error=%25",
        "error=%5C",
        "model=%00",
        "since=0001-01-01T00:00:00Z",
        "until=9999-12-31T23:59:59Z",
    ] {
        let answer = operator.get(&format!("/admin/v1/tasks?{query}")).await;
        assert!(matches!(answer.status, 200 | 422), "{query}: {answer:?}");
        if query.starts_with("user") || query.starts_with("model") {
            assert_eq!(answer.json()["tasks"], json!([]), "{query}");
        }
    }
}

#[tokio::test]
async fn a_change_without_a_usable_reason_is_refused() {
    let operator = operator(shared()).await;
    let user = new_user(shared());
    let (id, _) = super::failed(&user).await;
    let [retry, cancel] = ["retry", "cancel"].map(|verb| format!("tasks/{id}/{verb}"));
    let changes = [retry.as_str(), &cancel, "queue/pause", "queue/resume"];
    let changes = changes.map(|change| format!("/admin/v1/{change}"));
    let longest = "é".repeat(500);
    let reasons = [
        ("missing", json!({})),
        ("null", json!({"reason": null})),
        ("empty", json!({"reason": ""})),
        ("blank", json!({"reason": " \t\n "})),
        ("too long", json!({"reason": format!("{longest}x")})),
        ("a line break", json!({"reason": "a\nb"})),
        ("NUL", json!({"reason": "a\u{0}b"})),
        ("an escape", json!({"reason": "a\u{1b}[31mb"})),
        ("another direction", json!({"reason": "a\u{202e}b"})),
        ("nothing to see", json!({"reason": "\u{200b}"})),
    ];
    for path in changes {
        for (name, body) in &reasons {
            let answer = operator.post(&path, body).await;
            assert_invalid(&format!("{name}: {path}"), &answer, "reason");
        }
        for (name, body) in [
            ("a number", r#"{"reason":5}"#),
            ("a list", r#"["reason"]"#),
            ("a text", r#""reason""#),
            ("nothing", ""),
            ("half of it", r#"{"reason":"#),
            ("no UTF-8", "{\"reason\":\"\u{fffd}"),
            ("twice", r#"{"reason":"a","reason":"b"}"#),
        ] {
            let json = operator.with("content-type", "application/json");
            let answer = json.send(Method::POST, &path, body).await;
            assert_invalid(&format!("{name}: {path}"), &answer, "body");
        }
        for media_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "",
        ] {
            let other = operator.with("content-type", media_type);
            let answer = other.send(Method::POST, &path, r#"{"reason":"x"}"#).await;
            assert_refused(media_type, &answer, 415, "UNSUPPORTED_MEDIA_TYPE");
        }
        let large = json!({"reason": "x".repeat(70 << 10)});
        let answer = operator.post(&path, &large).await;
        assert_refused(&path, &answer, 413, "PAYLOAD_TOO_LARGE");
    }
    for reason in ["", "%20", "a%0Ab", "a%00", "a&reason=a"] {
        let answer = super::delete(&operator, &id, reason).await;
        assert_invalid(reason, &answer, "reason");
    }
    let path = format!("/admin/v1/tasks/{id}");
    assert_invalid("none", &operator.delete(&path).await, "reason");
    let misspelt = operator.delete(&format!("{path}?why=x")).await;
    assert_invalid("misspelt", &misspelt, "query");
    assert_eq!(user.task(&id).await["status"], "failed");
    let of_task = async || entries(&operator, |entry| entry["target"] == *id).await;
    assert!(of_task().await.is_empty());

    // What can be used, to the last character.
    let deleted = super::delete(&operator, &id, &longest).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_eq!(of_task().await[0]["reason"], longest.as_str());
}

#[tokio::test]
async fn an_action_that_cannot_be_used_is_refused() {
    let operator = operator(shared()).await;
    let user = new_user(shared());
    let (id, _) = super::failed(&user).await;
    let until = "2126-11-20T12:00:00Z";
    let good = || {
        json!({
            "action": "delete",
            "filter": {"status": "failed", "until": until},
            "expect": 0,
            "reason": "a test",
        })
    };
    // With other parts.
    let with = |parts: Value| {
        let mut body = good();
        for (name, value) in parts.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let without = |name: &str| {
        let mut body = good();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let absent = ["action", "filter", "expect", "reason"].map(|name| {
        let field = match name {
            "action" | "filter" => "body",
            name => name,
        };
        (without(name), field)
    });
    let filters = [
        (json!(null), "body"),
        (json!(["failed"]), "body"),
        (json!({"users": "ada", "until": until}), "body"),
        (json!({"user": 5, "until": until}), "body"),
        (json!({"user": "", "until": until}), "user"),
        (json!({"error": "", "until": until}), "error"),
        (json!({"status": "done", "until": until}), "status"),
        (json!({"since": "now", "until": until}), "since"),
        (json!({"until": "now"}), "until"),
        (json!({"status": "failed"}), "until"),
    ];
    let filters = filters.map(|(filter, field)| (with(json!({"filter": filter})), field));
    let others = [
        (json!({"action": "forget"}), "action"),
        (json!({"action": "Delete"}), "action"),
        (json!({"expect": null}), "expect"),
        (json!({"expect": -1}), "body"),
        (json!({"expect": 0.5}), "body"),
        (json!({"expect": "0"}), "body"),
        (json!({"expect": 1e30}), "body"),
        (json!({"reason": "a\r\nb"}), "reason"),
        (json!({"preview": true}), "expect"),
        (json!({"preview": "yes"}), "body"),
    ];
    let others = others.map(|(parts, field)| (with(parts), field));
    for (body, field) in absent.into_iter().chain(filters).chain(others) {
        let name = &body.to_string();
        let answer = operator.post("/admin/v1/tasks/actions", &body).await;
        assert_invalid(name, &answer, field);
    }
    assert_eq!(user.task(&id).await["status"], "failed");
    let path = format!("/admin/v1/tasks/{NOTHING}/retry");
    let media_type = operator.with("content-type", "Application/JSON ; charset=utf-8");
    let answer = media_type
        .send(Method::POST, &path, r#"{"reason":"x","more":[1]}"#)
        .await;
    assert_refused("what is not known is ignored", &answer, 404, "NOT_FOUND");
    let upper = super::read(&operator, &format!("tasks/{}", id.to_uppercase())).await;
    assert_eq!(upper["task_id"], *id);
}
