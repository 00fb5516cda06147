//! Loading and deleting images.

use std::time::Duration;

use concept_refinement_domain::capability::ImageKind;

use super::service::{Call, ORIGIN, Reply, Service, run};
use crate::{Method, Ports as _};

const PATH: &str = "/api/images/uploads/a";
const BYTES: &[u8] = b"0123456789";

fn put_image(service: &Service) {
    let kind = ImageKind::Upload;
    service.memory.put_image(kind, "uploads/a", "ann", BYTES);
}

fn with_image() -> Service {
    let service = Service::new();
    put_image(&service);
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
    let nothing = "/api/images/uploads/b";
    let more = "/api/images/uploads/a?x=1";
    let cases = [
        ("unsigned", PATH, [401, 200, 404]),
        ("unsigned, not there", nothing, [401, 404, 404]),
        ("signed", &good, [200, 200, 200]),
        ("altered", &altered, [403, 200, 403]),
        ("partial", &partial, [403, 200, 403]),
        ("signed for another image", &missing, [403, 403, 403]),
        ("other parameters", more, [401, 200, 404]),
    ];
    for (name, path, statuses) in cases {
        for (user, status) in [None, Some("ann"), Some("bob")].into_iter().zip(statuses) {
            for method in [Method::Get, Method::Head] {
                let call = Call::new(method, path);
                let reply = with_image().send(match user {
                    Some(user) => call.by_cookie(user),
                    None => call,
                });
                assert_eq!(reply.status, status, "{name}, {user:?}, {method:?}");
                let code = match status {
                    401 => "UNAUTHORIZED",
                    403 => "FORBIDDEN",
                    _ => "NOT_FOUND",
                };
                if method == Method::Get && status != 200 {
                    reply.is_error(status, code);
                }
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
    put_image(&service);
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
    let opened = service.memory.called("image");
    assert_eq!(opened, 1, "its bytes are not opened");

    service.memory.advance(Duration::from_secs(600));
    let later = service.send(Call::get(&path));
    let lasts = |reply: &Reply, seconds: &str| {
        let expected = format!("private, immutable, max-age={seconds}");
        assert_eq!(reply.header("cache-control"), Some(&*expected));
    };
    lasts(&later, "2999");
    let owners = service.send(Call::get(PATH).by("ann"));
    lasts(&owners, "3600");
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
        (format!("{PATH}?download="), 401),
        (unusable.replace("signature=", "signature=A"), 403),
    ];
    for (path, status) in cases {
        assert_eq!(service.send(Call::get(path)).status, status);
    }
}

#[test]
fn an_image_that_is_known_is_not_sent_again() {
    let service = with_image();
    for method in [Method::Get, Method::Head] {
        let call = || Call::new(method, PATH).by("ann");
        let known = call().header("if-none-match", "\"x\", W/\"uploads/a\"");
        let reply = service.send(known.header("range", "bytes=0-1"));
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
        assert_eq!(reply.header("content-length"), Some(&*length), "{name}");
        assert_eq!(reply.header("content-type"), Some("image/png"), "{name}");
        assert_eq!(reply.header("etag"), Some("\"uploads/a\""), "{name}");
    }
    let reply = service.send(call("bytes=10-"));
    reply.is_error(416, "RANGE_NOT_SATISFIABLE");
    assert_eq!(reply.header("content-range"), Some("bytes */10"));
    for range in ["bytes=0-1,3-4", "bytes=x", "lines=1-2"] {
        let reply = service.send(call(range));
        assert_eq!((reply.status, &*reply.body), (200, BYTES), "{range}");
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
    let head = Call::new(Method::Head, PATH).by("ann");
    let reply = service.send(head.header("range", "bytes=50-"));
    let length = reply.header("content-length");
    assert_eq!((reply.status, length), (200, Some("10")));
    let stranger = service.send(Call::get(PATH).by("bob").header("range", "bytes=50-"));
    stranger.is_error(404, "NOT_FOUND");
}

#[test]
fn deleting() {
    let service = with_image();
    service.memory.put_concept("c", "ann");
    let (signed, nothing) = (signed(&service), "/api/images/uploads/b");
    let refined = "/api/images/refined/c.png";
    let cases = [
        ("nobody", PATH, None, 401),
        ("holder of a signed URL", &signed, None, 401),
        ("another", &signed, Some("bob"), 404),
        ("not there", nothing, Some("ann"), 404),
        ("a refined image", refined, Some("ann"), 409),
        ("another's refined image", refined, Some("bob"), 404),
        ("the owner", PATH, Some("ann"), 204),
        ("again", PATH, Some("ann"), 404),
    ];
    for (name, path, user, status) in cases {
        let call = Call::delete(path);
        let reply = service.send(match user {
            Some(user) => call.by(user),
            None => call,
        });
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
