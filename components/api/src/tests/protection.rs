//! What every answer tells a browser, so that it protects who looks at it.

use concept_refinement_domain::capability::ImageKind;

use super::service::{Call, Reply, Service};
use crate::{Method, assets};

const IMAGE: &str = "uploads/0123456789abcdef0123456789abcdef/a.png";

/// What is said by any answer.
#[track_caller]
fn is_protected(reply: &Reply, name: &str) {
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
    ] {
        assert_eq!(reply.header(header), Some(value), "{name}: {header}");
    }
    if reply.status != 304 {
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{name}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
    }
}

#[test]
fn every_answer_that_is_no_page_runs_nothing() {
    let service = Service::with(&[("auth", "anonymous")]);
    let id = "00000000-0000-4000-8000-000000000001";
    let calls = [
        Call::get("/api/health"),
        Call::get("/api/health/ready"),
        Call::post("/api/auth/session"),
        Call::refine("ann"),
        Call::refine("ann"),
        Call::get("/api/tasks").by("ann"),
        Call::new(Method::Head, "/api/tasks").by("ann"),
        Call::get(format!("/api/tasks/{id}")).by("bob"),
        Call::get("/api/tasks"),
        Call::get("/nothing"),
        Call::post("/api/tasks"),
        Call::post("/api/concepts/refine").by("bob").body("x"),
        Call::delete(format!("/api/tasks/{id}")).by("ann"),
        Call::new(Method::Options, "/api/tasks"),
    ];
    for call in calls {
        let reply = service.send(call);
        let name = reply.status.to_string();
        is_protected(&reply, &name);
        assert_eq!(
            reply.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'"),
            "{name}"
        );
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
    }
}

#[test]
fn pages_and_their_files_load_from_here_alone() {
    let service = Service::new();
    for asset in assets::all() {
        let reply = service.send(Call::get(asset.path));
        is_protected(&reply, asset.path);
        let policy = reply.header("content-security-policy").unwrap();
        let is_page = asset.media_type.starts_with("text/html");
        assert_eq!(
            policy.starts_with("default-src 'self'; "),
            is_page,
            "{}",
            asset.path
        );
        let etag = reply.header("etag").unwrap().to_owned();
        let known = service.send(Call::get(asset.path).header("if-none-match", etag));
        assert_eq!(known.status, 304, "{}", asset.path);
        is_protected(&known, asset.path);
        assert_eq!(
            known.header("content-security-policy"),
            None,
            "a cache would put it in the place of the page's own"
        );
    }
}

#[test]
fn an_image_is_an_image_wherever_it_is_shown() {
    let service = Service::new();
    service
        .memory
        .put_image(ImageKind::Upload, IMAGE, "ann", b"<script>");
    let call = || Call::get(format!("/api/images/{IMAGE}")).by("ann");
    let etag = format!("\"{IMAGE}\"");
    for (name, call, status) in [
        ("whole", call(), 200),
        ("a part", call().header("range", "bytes=0-1"), 206),
        ("known", call().header("if-none-match", etag), 304),
    ] {
        let reply = service.send(call);
        assert_eq!(reply.status, status, "{name}");
        is_protected(&reply, name);
        assert_eq!(
            reply.header("content-security-policy"),
            Some("default-src 'none'; sandbox; frame-ancestors 'none'"),
            "{name}"
        );
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            Some("cross-origin"),
            "{name}: other sites may show it"
        );
    }
    let refused = service.send(Call::get(format!("/api/images/{IMAGE}")));
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("cross-origin-resource-policy"),
        Some("same-origin")
    );
}

#[test]
fn https_is_insisted_on_where_it_is() {
    let public = ("public-url", "https://refine.example.com");
    for (name, origin, is_https) in [
        ("https", "https://refine.example.org", true),
        ("http", "http://refine.example.org", false),
        (
            "a proxy that speaks https",
            "http://refine.example.com",
            true,
        ),
    ] {
        let service = Service::with(&[public]);
        for path in ["/api/health", "/api/nothing"] {
            let reply = service.send(Call::get(path).origin(origin));
            let insists = reply.header("strict-transport-security").is_some();
            assert_eq!(insists, is_https, "{name}");
        }
    }
}
