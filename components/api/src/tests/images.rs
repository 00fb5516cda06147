//! Loading and deleting images.

use std::time::Duration;

use concept_refinement_domain::capability::ImageKind;

use super::service::{Call, ORIGIN, Service, run};
use crate::{ImageStore, Method};

const PATH: &str = "/api/images/uploads/a";
const BYTES: &[u8] = b"0123456789";

fn with_image() -> Service {
    let service = Service::new();
    service
        .memory
        .put_image(ImageKind::Upload, "uploads/a", "ann", BYTES);
    service
}

/// The path and the query of the image's signed URL.
fn signed(service: &Service) -> String {
    let url = run(service.memory.sign("uploads/a", ORIGIN)).unwrap();
    url.strip_prefix(ORIGIN).unwrap().to_owned()
}

#[test]
fn who_may_see_an_image() {
    let good = signed(&with_image());
    let altered = good.replace("signature=", "signature=A");
    let partial = good.split_once('&').unwrap().0.to_owned();
    let missing = good.replace("uploads/a", "uploads/b");
    let cases = [
        ("unsigned", PATH, None, 401),
        ("unsigned, the owner", PATH, Some("ann"), 200),
        ("unsigned, another", PATH, Some("bob"), 404),
        (
            "unsigned, not there",
            "/api/images/uploads/b",
            Some("ann"),
            404,
        ),
        (
            "unsigned, not there, nobody",
            "/api/images/uploads/b",
            None,
            401,
        ),
        ("signed", &good, None, 200),
        ("signed, the owner", &good, Some("ann"), 200),
        ("signed, another", &good, Some("bob"), 200),
        ("altered", &altered, None, 403),
        ("altered, the owner", &altered, Some("ann"), 200),
        ("altered, another", &altered, Some("bob"), 403),
        ("partial", &partial, None, 403),
        ("partial, the owner", &partial, Some("ann"), 200),
        ("signed for another image", &missing, None, 403),
        (
            "signed for another image, the owner",
            &missing,
            Some("ann"),
            403,
        ),
        (
            "other parameters",
            "/api/images/uploads/a?x=1",
            Some("ann"),
            200,
        ),
    ];
    for (name, path, user, status) in cases {
        for method in [Method::Get, Method::Head] {
            let service = with_image();
            let mut call = Call::new(method, path);
            if let Some(user) = user {
                call = call.by_cookie(user);
            }
            let reply = service.send(call);
            assert_eq!(reply.status, status, "{name}, {method:?}");
            if method == Method::Get && status != 200 {
                let code = match status {
                    401 => "UNAUTHORIZED",
                    403 => "FORBIDDEN",
                    _ => "NOT_FOUND",
                };
                reply.is_error(status, code);
            }
        }
    }
}

#[test]
fn bad_credentials() {
    let service = with_image();
    let good = signed(&service);
    let altered = good.replace("signature=", "signature=A");
    let cases = [
        ("unsigned", PATH, 401),
        ("a bad signature", &altered, 401),
        ("a good signature is enough", &good, 200),
    ];
    for (name, path, status) in cases {
        let call = Call::get(path).header("authorization", "Bearer x");
        assert_eq!(service.send(call).status, status, "{name}");
    }
}

#[test]
fn a_request_of_unknown_origin_came_to_the_public_url() {
    let public = "https://refine.example.com";
    let service = Service::with(&[("public-url", public)]);
    service
        .memory
        .put_image(ImageKind::Upload, "uploads/a", "ann", BYTES);
    let url = run(service.memory.sign("uploads/a", "http://")).unwrap();
    let call = Call::get(url.strip_prefix(public).unwrap());
    let reply = service.send(call.of_unknown_origin());
    assert_eq!(reply.status, 200);
    assert!(reply.header("strict-transport-security").is_some());
}

#[test]
fn a_signature_expires() {
    let service = with_image();
    let path = signed(&service);
    service.memory.advance(Duration::from_secs(3600));
    service.send(Call::get(&path)).is_error(403, "FORBIDDEN");
    assert_eq!(service.send(Call::get(&path).by("ann")).status, 200);
}

#[test]
fn what_comes_with_an_image() {
    let service = with_image();
    let path = signed(&service);
    let reply = service.send(Call::get(&path));
    assert_eq!(reply.body, BYTES);
    // Signed at 12:00:00.123 for an hour, in steps of a quarter of one.
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-length", "10"),
        ("etag", "\"uploads/a\""),
        ("cache-control", "private, immutable, max-age=3599"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; sandbox; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    assert_eq!(reply.header("vary"), None);
    assert_eq!(service.memory.called("stat"), 0);

    let head = service.send(Call::new(Method::Head, &path));
    assert_eq!((head.status, head.body.len()), (200, 0));
    let sorted = |mut headers: Vec<(&'static str, String)>| {
        headers.sort();
        headers
    };
    assert_eq!(sorted(head.headers), sorted(reply.headers));
    assert_eq!(
        service.memory.called("image"),
        1,
        "its bytes are not opened"
    );

    service.memory.advance(Duration::from_secs(600));
    let later = service.send(Call::get(&path));
    assert_eq!(
        later.header("cache-control"),
        Some("private, immutable, max-age=2999")
    );
    let owners = service.send(Call::get(PATH).by("ann"));
    assert_eq!(
        owners.header("cache-control"),
        Some("private, immutable, max-age=3600")
    );
    assert_eq!(owners.header("vary"), Some("Authorization, Cookie"));
}

/// The name is not signed, so that a page can give a signed URL any name.
#[test]
fn an_image_is_saved_under_a_name() {
    let service = with_image();
    let signed = signed(&service);
    let named = "attachment; filename=\"logo-refined.png\"";
    let with = |path: &str| {
        let mark = if path.contains('?') { '&' } else { '?' };
        Call::get(format!("{path}{mark}download=logo-refined.jpg"))
    };
    let head = format!("{signed}&download=logo-refined");
    let cases = [
        ("signed", with(&signed), 200),
        ("the owner", with(PATH).by("ann"), 200),
        ("the head", Call::new(Method::Head, head), 200),
        ("a part", with(&signed).header("range", "bytes=0-3"), 206),
    ];
    for (name, call, status) in cases {
        let reply = service.send(call);
        assert_eq!(reply.status, status, "{name}");
        let disposition = reply.header("content-disposition");
        assert_eq!(disposition, Some(named), "{name}");
        assert_eq!(reply.header("content-type"), Some("image/png"), "{name}");
    }
    let known = with(&signed).header("if-none-match", "\"uploads/a\"");
    assert_eq!(service.send(known).status, 304);
    let reply = service.send(Call::get(&signed));
    assert_eq!(reply.header("content-disposition"), None);
}

#[test]
fn a_name_that_cannot_be_used() {
    let service = with_image();
    let unusable = format!("{}&download=a%2Fb", signed(&service));
    let problem = "must have no slashes, backslashes or control characters";
    for method in [Method::Get, Method::Head] {
        let reply = service.send(Call::new(method, &unusable));
        assert_eq!(reply.status, 422, "{method:?}");
        if method == Method::Get {
            reply.is_error(422, "VALIDATION_ERROR");
            assert_eq!(reply.json()["field_errors"]["download"][0], problem);
        }
    }
    // Nothing is told to who may not see the image.
    let cases = [
        (Call::get(format!("{PATH}?download=")), 401),
        (
            Call::get(unusable.replace("signature=", "signature=A")),
            403,
        ),
    ];
    for (call, status) in cases {
        assert_eq!(service.send(call).status, status);
    }
}

#[test]
fn an_image_that_is_known_is_not_sent_again() {
    let service = with_image();
    for method in [Method::Get, Method::Head] {
        let call = || Call::new(method, PATH).by("ann");
        let reply = service.send(
            call()
                .header("if-none-match", "\"x\", W/\"uploads/a\"")
                .header("range", "bytes=0-1"),
        );
        assert_eq!((reply.status, reply.body.len()), (304, 0));
        assert_eq!(reply.header("etag"), Some("\"uploads/a\""));
        assert!(reply.header("cache-control").is_some());
        assert_eq!(reply.header("content-length"), None);
        let reply = service.send(call().header("if-none-match", "\"x\""));
        assert_eq!(reply.status, 200);
    }
    let stranger = Call::get(PATH).by("bob").header("if-none-match", "*");
    service.send(stranger).is_error(404, "NOT_FOUND");
}

#[test]
fn parts_of_an_image() {
    let service = with_image();
    let call = |range: &str| Call::get(PATH).by("ann").header("range", range);
    let cases = [
        ("first", "bytes=0-3", "0123", "bytes 0-3/10"),
        ("to the end", "bytes=7-", "789", "bytes 7-9/10"),
        ("last", "bytes=-2", "89", "bytes 8-9/10"),
        ("all", "bytes=0-99", "0123456789", "bytes 0-9/10"),
    ];
    for (name, range, body, content_range) in cases {
        let reply = service.send(call(range));
        assert_eq!(reply.status, 206, "{name}");
        assert_eq!(reply.body, body.as_bytes(), "{name}");
        assert_eq!(reply.header("content-range"), Some(content_range), "{name}");
        let length = body.len().to_string();
        assert_eq!(
            reply.header("content-length"),
            Some(length.as_str()),
            "{name}"
        );
        assert_eq!(reply.header("content-type"), Some("image/png"), "{name}");
        assert_eq!(reply.header("etag"), Some("\"uploads/a\""), "{name}");
    }
    let reply = service.send(call("bytes=10-"));
    reply.is_error(416, "RANGE_NOT_SATISFIABLE");
    assert_eq!(reply.header("content-range"), Some("bytes */10"));
    for range in ["bytes=0-1,3-4", "bytes=x", "lines=1-2"] {
        let reply = service.send(call(range));
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (200, BYTES),
            "{range}"
        );
    }
    let cases = [
        ("\"uploads/a\"", 206),
        ("\"x\"", 200),
        ("W/\"uploads/a\"", 200),
    ];
    for (validator, status) in cases {
        let reply = service.send(call("bytes=0-1").header("if-range", validator));
        assert_eq!(reply.status, status, "{validator}");
    }
    let head = Call::new(Method::Head, PATH)
        .by("ann")
        .header("range", "bytes=50-");
    let reply = service.send(head);
    assert_eq!(
        (reply.status, reply.header("content-length")),
        (200, Some("10"))
    );
    let stranger = service.send(Call::get(PATH).by("bob").header("range", "bytes=50-"));
    stranger.is_error(404, "NOT_FOUND");
}

#[test]
fn deleting() {
    let service = with_image();
    service.memory.put_concept("c", "ann");
    let cases = [
        ("nobody", Call::delete(PATH), 401),
        (
            "holder of a signed URL",
            Call::delete(signed(&service)),
            401,
        ),
        ("another", Call::delete(signed(&service)).by("bob"), 404),
        (
            "not there",
            Call::delete("/api/images/uploads/b").by("ann"),
            404,
        ),
        (
            "a refined image",
            Call::delete("/api/images/refined/c.png").by("ann"),
            409,
        ),
        (
            "another's refined image",
            Call::delete("/api/images/refined/c.png").by("bob"),
            404,
        ),
        ("the owner", Call::delete(PATH).by("ann"), 204),
        ("again", Call::delete(PATH).by("ann"), 404),
    ];
    for (name, call, status) in cases {
        let reply = service.send(call);
        assert_eq!(reply.status, status, "{name}");
        if status == 409 {
            reply.is_error(409, "CONFLICT");
        }
    }
    assert_eq!(service.memory.0.borrow().images.len(), 1);
}

#[test]
fn a_store_out_of_reach() {
    for name in ["resolve", "image"] {
        let service = with_image();
        service.memory.fail(name);
        let reply = service.send(Call::get(PATH).by("ann"));
        reply.is_error(503, "SERVICE_UNAVAILABLE");
    }
}
