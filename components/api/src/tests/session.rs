//! Anonymous sessions.

use std::time::Duration;

use serde_json::json;

use super::memory::keys;
use super::service::{Call, Service, refinement};

const PATH: &str = "/api/auth/session";
const DAY: u64 = 24 * 60 * 60;
const MONTH: u64 = 30 * DAY;

fn anonymous(settings: &[(&str, &str)]) -> Service {
    Service::with(&[&[("auth", "anonymous")], settings].concat())
}

#[test]
fn a_session_makes_a_user() {
    let service = anonymous(&[("jwt-audience", "us"), ("jwt-issuer", "them")]);
    let reply = service.send(Call::post(PATH));
    assert_eq!(reply.status, 201);
    let body = reply.json();
    let expected = ["access_token", "expires_in", "token_type", "user_id"];
    assert_eq!(keys(&body), expected.into());
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], MONTH);
    let token = body["access_token"].as_str().unwrap();
    let expected = format!("session={token}; Path=/; Max-Age={MONTH}; HttpOnly; SameSite=Lax");
    assert_eq!(reply.header("set-cookie"), Some(&*expected));

    let refine = Call::post("/api/concepts/refine").json(&refinement());
    let by_cookie = refine.header("cookie", format!("session={token}"));
    assert_eq!(service.send(by_cookie).status, 202);
    let task = service.memory.task();
    assert_eq!(json!(task.user_id), body["user_id"]);
    assert!(task.is_anonymous);

    let another = service.send(Call::post(PATH)).json();
    assert_ne!(another["user_id"], body["user_id"]);

    let read = || Call::get("/api/tasks").header("authorization", format!("Bearer {token}"));
    service.memory.advance(Duration::from_secs(MONTH - 1));
    assert_eq!(service.send(read()).status, 200);
    service.memory.advance(Duration::from_secs(1));
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

/// The user of a new session, and its token.
fn begin(service: &Service) -> (serde_json::Value, String) {
    let first = service.send(Call::post(PATH)).json();
    let token = first["access_token"].as_str().unwrap().to_owned();
    (first["user_id"].clone(), token)
}

/// The token of the cookie that an answer sets.
fn cookie(reply: &super::service::Reply) -> Option<String> {
    let cookie = reply.header("set-cookie")?.strip_prefix("session=")?;
    Some(cookie.split(';').next()?.to_owned())
}

fn user_of(service: &Service, token: &str) -> serde_json::Value {
    let renewed = Call::post(PATH).header("authorization", format!("Bearer {token}"));
    service.send(renewed).json()["user_id"].clone()
}

#[test]
fn a_session_by_cookie_is_renewed_by_an_answer_in_its_second_half() {
    let service = anonymous(&[]);
    let (user, token) = begin(&service);
    let read = |token: &str| {
        let call = Call::get("/api/tasks").header("cookie", format!("session={token}"));
        service.send(call)
    };
    service.memory.advance(Duration::from_secs(14 * DAY));
    assert_eq!(cookie(&read(&token)), None, "not in its first half");
    service.memory.advance(Duration::from_secs(2 * DAY));
    let bearer = Call::get("/api/tasks").header("authorization", format!("Bearer {token}"));
    assert_eq!(cookie(&service.send(bearer)), None, "not by bearer");
    let renewed = cookie(&read(&token)).unwrap();
    assert_eq!(user_of(&service, &renewed), user);
    service.memory.advance(Duration::from_secs(20 * DAY));
    assert_eq!(read(&token).status, 401);
    assert_eq!(read(&renewed).status, 200);
}

/// And the session stays the same where that fails.
#[test]
fn a_renewal_is_stored_before_it_is_told() {
    let service = anonymous(&[]);
    let (user, token) = begin(&service);
    let bearer = || format!("Bearer {token}");
    let upload = Call::post("/api/images").header("authorization", bearer());
    let uploaded = service.send(upload.body(super::service::png(1, 1, 1)));
    assert_eq!(uploaded.status, 201);
    service.memory.advance(Duration::from_secs(20 * DAY));
    let read = || Call::get("/api/tasks").header("cookie", format!("session={token}"));
    service.memory.fail("renew session");
    let reply = service.send(read());
    assert_eq!((reply.status, cookie(&reply)), (200, None));
    let renewal = || Call::post(PATH).header("authorization", bearer());
    service.send(renewal()).is_error(503, "SERVICE_UNAVAILABLE");
    service.memory.0.borrow_mut().faults.clear();
    assert!(cookie(&service.send(read())).is_some());
    let stored = service.memory.0.borrow().sessions.clone();
    let now = service.memory.0.borrow().now;
    let until = now.plus(Duration::from_secs(MONTH));
    let owner = user.as_str().unwrap().to_owned();
    assert_eq!(stored, [(owner, until)].into());
    let renewed = service.send(renewal());
    assert_eq!(renewed.status, 201);
    assert_eq!(renewed.json()["user_id"], user);
}

/// Stores are not asked for each request of a client that ignores its new cookie.
#[test]
fn who_ignores_a_renewal_is_not_looked_at_each_time() {
    let service = anonymous(&[]);
    let (_, token) = begin(&service);
    service.memory.advance(Duration::from_secs(20 * DAY));
    let read = || Call::get("/api/tasks").header("cookie", format!("session={token}"));
    let renewed = cookie(&service.send(read())).unwrap();
    for _ in 0..100 {
        service.memory.advance(Duration::from_secs(2));
        assert_eq!(cookie(&service.send(read())).as_ref(), Some(&renewed));
    }
    let bearer = Call::post(PATH).header("authorization", format!("Bearer {token}"));
    let again = service.send(bearer).json();
    assert_eq!(again["access_token"], renewed.as_str());
    assert_eq!(again["expires_in"], MONTH - 200);
    for call in ["has uploads", "renew session"] {
        assert_eq!(service.memory.called(call), 1, "{call}");
    }
    service.memory.advance(Duration::from_secs(60 * 60));
    assert_ne!(cookie(&service.send(read())), Some(renewed));
    assert_eq!(service.memory.called("has uploads"), 2, "later once more");
}

/// By cookie, and never by another page without its token.
#[test]
fn who_only_reads_has_a_session_for_as_long() {
    let service = anonymous(&[]);
    let (user, mut token) = begin(&service);
    for day in 0..90 {
        let by_cookie = |call: Call| call.header("cookie", format!("session={token}"));
        let elsewhere = || Call::post(PATH).header("origin", "http://example.com");
        let other = service.send(by_cookie(elsewhere()));
        assert_ne!(other.json()["user_id"], user);
        let bearer = format!("Bearer {token}");
        let renewed = service.send(elsewhere().header("authorization", bearer));
        assert_eq!(renewed.json()["user_id"], user);
        assert_eq!(cookie(&renewed), None);
        let reply = service.send(by_cookie(Call::get("/api/tasks")));
        assert_eq!(reply.status, 200, "day {day}");
        if let Some(renewed) = cookie(&reply) {
            token = renewed;
        }
        service.memory.advance(Duration::from_secs(DAY));
    }
    assert_eq!(user_of(&service, &token), user);
}
