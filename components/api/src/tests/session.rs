//! Anonymous sessions.

use std::time::Duration;

use serde_json::json;

use super::memory::keys;
use super::service::{Call, Service, refinement};

const PATH: &str = "/api/auth/session";
const MONTH: u64 = 30 * 24 * 60 * 60;

fn anonymous(settings: &[(&str, &str)]) -> Service {
    Service::with(&[&[("auth", "anonymous")], settings].concat())
}

#[test]
fn a_session_makes_a_user() {
    let service = anonymous(&[("jwt-audience", "us"), ("jwt-issuer", "them")]);
    let reply = service.send(Call::post(PATH));
    assert_eq!(reply.status, 201);
    let body = reply.json();
    assert_eq!(
        keys(&body),
        ["access_token", "expires_in", "token_type", "user_id"].into()
    );
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], MONTH);
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(
        reply.header("set-cookie"),
        Some(format!("session={token}; Path=/; Max-Age={MONTH}; HttpOnly; SameSite=Lax").as_str())
    );

    let refine = Call::post("/api/concepts/refine").json(&refinement());
    let by_cookie = refine.header("cookie", format!("session={token}"));
    assert_eq!(service.send(by_cookie).status, 202);
    let task = service.memory.task();
    assert_eq!(json!(task.user_id), body["user_id"]);
    assert!(task.is_anonymous);

    let another = service.send(Call::post(PATH)).json();
    assert_ne!(another["user_id"], body["user_id"]);

    let read = || Call::get("/api/tasks").header("authorization", format!("Bearer {token}"));
    service.memory.advance(Duration::from_secs(MONTH));
    assert_eq!(service.send(read()).status, 200, "within the leeway");
    service.memory.advance(Duration::from_secs(60));
    assert_eq!(service.send(read()).status, 401);
}

#[test]
fn the_cookie_is_secure_behind_https() {
    let (http, https) = ("http://refine.example.com", "https://refine.example.com");
    let cases = [
        ("https", http, "https://refine.example.org", true),
        ("http", http, http, false),
        ("a proxy that speaks https", https, http, true),
        ("and does not say so", https, "http://127.0.0.1:8080", true),
    ];
    for (name, public, origin, is_secure) in cases {
        let service = anonymous(&[("public-url", public)]);
        let reply = service.send(Call::post(PATH).origin(origin));
        let cookie = reply.header("set-cookie").unwrap();
        assert_eq!(cookie.ends_with("; Secure"), is_secure, "{name}");
    }
}

#[test]
fn another_site_cannot_replace_a_session() {
    let service = anonymous(&[]);
    for (name, value) in [
        ("origin", "http://example.com"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let reply = service.send(Call::post(PATH).header(name, value));
        assert_eq!(reply.status, 201, "{name}");
        assert_eq!(reply.header("set-cookie"), None, "{name}");
    }
}

#[test]
fn only_where_they_are_on() {
    let service = Service::with(&[("auth", "secret")]);
    service.send(Call::post(PATH)).is_error(404, "NOT_FOUND");
}
