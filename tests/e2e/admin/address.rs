//! The address of operators: whose token opens what, and by which names it answers.

use concept_refinement_tests::client::{Answer, Client};
use reqwest::Method;
use serde_json::json;

use super::{NOTHING, READ_TOKEN, TOKEN, assert_refused, operator, read, reader, shared};

const ALWAYS: [(&str, &str); 6] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

/// All paths with a method that they have, and whether it changes anything.
fn all() -> Vec<(Method, String, bool)> {
    let (get, post) = (|| Method::GET, || Method::POST);
    [
        (get(), "tasks".to_owned(), false),
        (get(), format!("tasks/{NOTHING}"), false),
        (get(), format!("jobs/{NOTHING}"), false),
        (get(), "queue".into(), false),
        (get(), "audit".into(), false),
        (get(), "usage?group=user".into(), false),
        (get(), "metrics".into(), false),
        (post(), "tasks/actions".into(), true),
        (post(), format!("tasks/{NOTHING}/retry"), true),
        (post(), format!("tasks/{NOTHING}/cancel"), true),
        (Method::DELETE, format!("tasks/{NOTHING}?reason=x"), true),
        (post(), "queue/pause".into(), true),
        (post(), "queue/resume".into(), true),
    ]
    .map(|(method, path, changes)| (method, format!("/admin/v1/{path}"), changes))
    .into()
}

async fn send(client: &Client, method: &Method, path: &str) -> Answer {
    let body = json!({
        "reason": "a test",
        "action": "delete",
        "filter": {"user": "nobody", "until": "2026-11-20T12:00:00Z"},
        "expect": 0,
    });
    let json = client.with("content-type", "application/json");
    json.send(method.clone(), path, body.to_string()).await
}

#[tokio::test]
async fn nothing_is_answered_without_a_token() {
    let operator = operator(shared()).await;
    let anybody = operator.without("authorization");
    let wrong = "a-token-of-the-operator-for-tesst";
    let basic = format!("Basic {TOKEN}");
    for (name, client) in [
        ("none", anybody.clone()),
        ("a wrong one", anybody.bearer(wrong)),
        ("more than it", anybody.bearer(&format!("{TOKEN}x"))),
        ("another scheme", anybody.with("authorization", &basic)),
        ("no text", anybody.bearer("\u{e9}\u{e9}")),
        ("a cookie", anybody.cookie(TOKEN)),
        ("both", anybody.bearer(&format!("{TOKEN} {READ_TOKEN}"))),
    ] {
        for (method, path, _) in all() {
            let answer = send(&client, &method, &path).await;
            let name = format!("{name}: {method} {path}");
            assert_refused(&name, &answer, 401, "UNAUTHORIZED");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{name}");
        }
        let query = format!("/admin/v1/queue?token={TOKEN}&access_token={TOKEN}");
        assert_eq!(client.get(&query).await.status, 401, "{name}");
    }
    // Nobody got anything, and nothing was changed.
    let queue = read(&operator, "queue").await;
    assert_eq!(queue["paused"], false);
}

#[tokio::test]
async fn who_may_read_changes_nothing() {
    let reader = reader(shared()).await;
    for (method, path, changes) in all() {
        let answer = send(&reader, &method, &path).await;
        let name = format!("{method} {path}");
        match changes {
            true => assert_refused(&name, &answer, 403, "FORBIDDEN"),
            false if path.contains(NOTHING) => {
                assert_refused(&name, &answer, 404, "NOT_FOUND");
            }
            false => assert_eq!(answer.status, 200, "{name}: {answer:?}"),
        }
    }
    // A look at what an act would meet is the beginning of one.
    let preview = json!({"action": "delete", "filter": {}, "preview": true});
    let answer = reader.post("/admin/v1/tasks/actions", &preview).await;
    assert_refused("a preview", &answer, 403, "FORBIDDEN");
    let operator = operator(shared()).await;
    let audit = super::entries(&operator, |entry| entry["actor"] == "read token").await;
    assert!(audit.is_empty());
}

#[tokio::test]
async fn on_this_machine_only_its_names_are_answered_to() {
    let operator = operator(shared()).await;
    let port = operator.base().rsplit(':').next().unwrap();
    for (host, is_own) in [
        (format!("localhost:{port}"), true),
        (format!("evil.example:{port}"), false),
    ] {
        let client = operator.with("host", &host);
        for (path, status) in [
            ("/", 200),
            ("/admin.js", 200),
            ("/admin/v1/queue", 200),
            ("/x", 404),
        ] {
            let answer = client.get(path).await;
            match is_own {
                true => assert_eq!(answer.status, status, "{host} {path}"),
                false => assert_refused(&host, &answer, 421, "MISDIRECTED_REQUEST"),
            }
        }
        let paused = super::act(&client.without("authorization"), "queue/pause", "x").await;
        assert_eq!(paused.status, if is_own { 401 } else { 421 }, "{host}");
    }
}

/// A page from elsewhere cannot have a browser act here: it has no token to send, and a
/// browser asks before it sends one.
#[tokio::test]
async fn other_sites_cannot_act() {
    let operator = operator(shared()).await;
    let elsewhere = operator
        .without("authorization")
        .with("origin", "https://evil.example")
        .with("sec-fetch-site", "cross-site");
    for (method, path, _) in all() {
        let headers = "authorization, content-type";
        let preflight = elsewhere
            .with("access-control-request-method", method.as_str())
            .with("access-control-request-headers", headers);
        let preflight = preflight.send(Method::OPTIONS, &path, "").await;
        assert_refused(&path, &preflight, 405, "METHOD_NOT_ALLOWED");
        let simple = elsewhere.with("content-type", "text/plain");
        let simple = simple.send(method, &path, r#"{"reason":"x"}"#).await;
        assert_refused(&path, &simple, 401, "UNAUTHORIZED");
        for answer in [preflight, simple] {
            let names = answer.headers.keys().map(|name| name.as_str());
            let told: Vec<_> = names
                .filter(|name| name.starts_with("access-control"))
                .collect();
            assert!(told.is_empty(), "{path}: {told:?}");
        }
    }
    assert_eq!(read(&operator, "queue").await["paused"], false);
}

#[tokio::test]
async fn what_is_not_there_is_told_to_anybody() {
    let operator = operator(shared()).await;
    for client in [operator.clone(), operator.without("authorization")] {
        for path in [
            "/nothing",
            "/admin/v2/tasks",
            "/admin/v1/tasks/1/again",
            "/api/tasks",
            "/metrics",
            "/admin/v1/%74asks",
        ] {
            assert_refused(path, &client.get(path).await, 404, "NOT_FOUND");
        }
        let put = client.send(Method::PUT, "/admin/v1/tasks/1", "").await;
        assert_refused("PUT", &put, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(put.header("allow"), Some("GET, HEAD, DELETE"));
        let put = client.send(Method::PUT, "/", "").await;
        assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD")));
    }
    for id in ["1", "x", &NOTHING[1..], "%00", NOTHING] {
        for what in [format!("tasks/{id}"), format!("jobs/{id}")] {
            let answer = operator.get(&format!("/admin/v1/{what}")).await;
            assert_refused(&what, &answer, 404, "NOT_FOUND");
        }
        for verb in ["retry", "cancel"] {
            let answer = super::act(&operator, &format!("tasks/{id}/{verb}"), "x").await;
            assert_refused(verb, &answer, 404, "NOT_FOUND");
        }
        let answer = super::delete(&operator, id, "x").await;
        assert_refused(id, &answer, 404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn every_answer_is_protected_and_has_an_id() {
    let operator = operator(shared()).await;
    let user = crate::shared::new_user(shared());
    let (id, _) = super::failed(&user).await;
    let task = format!("/admin/v1/tasks/{id}");
    let (cancel, pause) = (format!("tasks/{id}/cancel"), "/admin/v1/queue/pause");
    for (name, answer) in [
        ("a list", operator.get("/admin/v1/tasks").await),
        ("HEAD", operator.head("/admin/v1/tasks").await),
        ("401", operator.bearer("x").get("/admin/v1/tasks").await),
        ("404", operator.get("/nothing").await),
        ("405", operator.delete("/admin/v1/tasks").await),
        ("409", super::act(&operator, &cancel, "x").await),
        ("415", operator.send(Method::POST, pause, "{}").await),
        ("421", operator.with("host", "evil.example").get("/").await),
        ("422", operator.get("/admin/v1/tasks?limit=x").await),
        ("204", operator.delete(&format!("{task}?reason=x")).await),
    ] {
        for (header, value) in ALWAYS {
            assert_eq!(answer.header(header), Some(value), "{name}: {header}");
        }
        let id = answer.header("x-request-id");
        assert!(id.is_some_and(|id| id.len() == 36), "{name}");
        assert_eq!(answer.header("server"), None, "{name}");
    }
    for path in ["/", "/admin.js", "/admin.css", "/admin/v1/openapi.json"] {
        let page = operator.without("authorization").get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for (header, value) in &ALWAYS[..5] {
            assert_eq!(page.header(header), Some(*value), "{path}: {header}");
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
    let mine = operator.with("x-request-id", "my-own.1");
    let mine = mine.get("/admin/v1/queue").await;
    assert_eq!(mine.header("x-request-id"), Some("my-own.1"));
}
