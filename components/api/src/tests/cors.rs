//! Pages of other origins.

use super::openapi;
use super::service::{Call, Reply, Service};
use crate::Method;

const APP: &str = "https://app.example.com";
const ORIGIN: &str = "access-control-allow-origin";

fn service() -> Service {
    let origins = format!("{APP}, http://localhost:3000");
    Service::with(&[("cors-origins", &origins), ("auth", "anonymous")])
}

fn preflight(path: &str, origin: &str) -> Call {
    Call::new(Method::Options, path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
}

/// A header of the reply lists these, among others.
#[track_caller]
fn has_all(reply: &Reply, header: &str, expected: &str) {
    let listed = reply.header(header).unwrap();
    for name in expected.split(' ') {
        assert!(listed.split(", ").any(|it| it == name), "{name}: {listed}");
    }
}

#[test]
fn a_page_may_ask_for_what_a_route_answers_to() {
    let service = service();
    let id = "00000000-0000-4000-8000-000000000001";
    for (path, methods) in [
        ("/api/concepts/refine", "POST"),
        ("/api/tasks", "GET, HEAD"),
        (&format!("/api/tasks/{id}"), "GET, HEAD, DELETE"),
        (&format!("/api/tasks/{id}/events"), "GET, HEAD"),
        ("/api/images", "POST"),
        ("/api/images/a/b.png?expires=1", "GET, HEAD, DELETE"),
        ("/api/auth/session", "POST"),
        ("/api/health", "GET, HEAD"),
    ] {
        let reply = service.send(preflight(path, APP));
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{path}");
        assert_eq!(reply.header(ORIGIN), Some(APP), "{path}");
        let allowed = reply.header("access-control-allow-methods");
        assert_eq!(allowed, Some(methods), "{path}");
        has_all(
            &reply,
            "access-control-allow-headers",
            "Authorization Content-Type Idempotency-Key Last-Event-ID Prefer Range If-None-Match \
             Traceparent Baggage Sentry-Trace X-Request-Id",
        );
        assert_eq!(reply.header("access-control-max-age"), Some("7200"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert_eq!(reply.header("vary"), Some("Origin"));
    }
    let reply = service.send(preflight("/api/nothing", APP));
    reply.is_error(404, "NOT_FOUND");
    assert_eq!(reply.header(ORIGIN), Some(APP));
}

#[test]
fn a_page_reads_answers_and_errors() {
    let service = service();
    let with = |call: Call| service.send(call.header("origin", APP));
    let not_json = Call::post("/api/concepts/refine").by("bob");
    for (name, reply, status) in [
        ("health", with(Call::get("/api/health")), 200),
        ("a list", with(Call::get("/api/tasks").by("ann")), 200),
        ("accepted", with(Call::refine("ann")), 202),
        ("a conflict", with(Call::refine("ann")), 409),
        ("no credentials", with(Call::get("/api/tasks")), 401),
        ("no such path", with(Call::get("/api/x")), 404),
        ("a wrong method", with(Call::post("/api/tasks")), 405),
        ("no JSON", with(not_json), 415),
        ("a session", with(Call::post("/api/auth/session")), 201),
    ] {
        assert_eq!(reply.status, status, "{name}");
        assert_eq!(reply.header(ORIGIN), Some(APP), "{name}");
        has_all(
            &reply,
            "access-control-expose-headers",
            "X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset Retry-After \
             Idempotency-Replayed Preference-Applied ETag Content-Range",
        );
        let by_cookie = reply.header("access-control-allow-credentials");
        assert_eq!(by_cookie, None, "{name}");
        assert!(reply.header("vary").unwrap().contains("Origin"), "{name}");
    }
}

/// All but those that a page may read anyway, or never.
#[test]
fn a_page_may_send_and_read_the_headers_of_the_description() {
    let (service, document) = (service(), openapi::document());
    let listed = |reply: &Reply, header: &str| -> Vec<String> {
        let names = reply.header(header).unwrap().to_lowercase();
        names.split(", ").map(str::to_owned).collect()
    };
    let reply = service.send(preflight("/api/tasks", APP));
    let allowed = listed(&reply, "access-control-allow-headers");
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let parameters = operations.filter_map(|operation| operation["parameters"].as_array());
    for header in parameters.flatten().filter(|it| it["in"] == "header") {
        let name = header["name"].as_str().unwrap().to_lowercase();
        assert!(allowed.contains(&name), "{name}: {allowed:?}");
    }
    let reply = service.send(Call::get("/api/health").header("origin", APP));
    let exposed = listed(&reply, "access-control-expose-headers");
    for name in document["components"]["headers"]
        .as_object()
        .unwrap()
        .keys()
    {
        let name = name.to_lowercase();
        let is_apart = ["cache-control", "set-cookie"].contains(&name.as_str());
        assert!(is_apart || exposed.contains(&name), "{name}: {exposed:?}");
    }
}

/// It may ask by a token of its own, never by a visitor's cookie.
#[test]
fn a_cookie_changes_nothing_for_a_page_of_another_origin() {
    let service = service();
    let refine = |call: Call| {
        let call = call
            .json(&super::service::refinement())
            .header("origin", APP);
        service.send(call.header("sec-fetch-site", "cross-site"))
    };
    let post = || Call::post("/api/concepts/refine");
    let reply = refine(post().by_cookie("ann"));
    reply.is_error(403, "FORBIDDEN");
    assert_eq!(reply.header(ORIGIN), Some(APP));
    assert_eq!(refine(post().by("ann")).status, 202);
    let session = service.send(Call::post("/api/auth/session").header("origin", APP));
    assert_eq!((session.status, session.header("set-cookie")), (201, None));
}

#[test]
fn to_others_nothing_is_said() {
    let strangers: &[&[&str]] = &[
        &[],
        &["https://evil.example"],
        &["http://app.example.com"],
        &["https://app.example.com:8443"],
        &["https://app.example.com.evil.example"],
        &["https://x.app.example.com"],
        &["app.example.com"],
        &["null"],
        &[""],
        &["*"],
        &[APP, APP],
        &[APP, "https://evil.example"],
    ];
    for (service, vary) in [(service(), Some("Origin")), (Service::new(), None)] {
        for origins in strangers {
            let with = |call: Call| {
                let call = origins
                    .iter()
                    .fold(call, |call, origin| call.header("origin", origin));
                service.send(call)
            };
            let options = Call::new(Method::Options, "/api/tasks")
                .header("access-control-request-method", "GET");
            let asked = with(options);
            asked.is_error(405, "METHOD_NOT_ALLOWED");
            let got = with(Call::get("/api/health"));
            assert_eq!(got.status, 200);
            for reply in [asked, got] {
                assert_eq!(reply.header("vary"), vary, "{origins:?}");
                let mut names = reply.headers.iter().map(|(name, _)| *name);
                assert!(
                    !names.any(|name| name.starts_with("access-control")),
                    "{origins:?}"
                );
            }
        }
    }
}

#[test]
fn origins_are_named_in_any_notation() {
    let service = Service::with(&[("cors-origins", "HTTPS://App.Example.Com:443")]);
    let reply = service.send(Call::get("/api/health").header("origin", APP));
    assert_eq!(reply.header(ORIGIN), Some(APP));
}

#[test]
fn options_without_a_page_is_a_wrong_method() {
    let call = Call::new(Method::Options, "/api/tasks").header("origin", APP);
    let reply = service().send(call);
    reply.is_error(405, "METHOD_NOT_ALLOWED");
    assert_eq!(reply.header("allow"), Some("GET, HEAD"));
}

#[test]
fn an_owner_s_image_depends_on_both() {
    use concept_refinement_domain::capability::ImageKind;
    let service = service();
    let path = "uploads/0123456789abcdef0123456789abcdef/a.png";
    service
        .memory
        .put_image(ImageKind::Upload, path, "ann", b"x");
    let call = Call::get(format!("/api/images/{path}")).by("ann");
    let reply = service.send(call.header("origin", APP));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("vary"), Some("Authorization, Cookie, Origin"));
    assert_eq!(reply.header(ORIGIN), Some(APP));
}
