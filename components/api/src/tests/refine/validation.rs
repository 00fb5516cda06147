//! Bodies and keys that are not as they must be.

use serde_json::{Value, json};

use super::{PATH, with};
use crate::request::Interrupted;
use crate::tests::memory::keys;
use crate::tests::service::{Call, ORIGIN, Service, refinement};

#[test]
fn bodies_that_are_too_large() {
    let exact = |length: usize| {
        let mut body = refinement().to_string();
        body.push_str(&" ".repeat(length - body.len()));
        body.into_bytes()
    };
    let call = || {
        Call::post(PATH)
            .by("ann")
            .header("content-type", "application/json")
    };
    let max = 64 * 1024;
    let pieces = |bytes: Vec<u8>| {
        bytes
            .chunks(1000)
            .map(|chunk| Ok(chunk.to_vec()))
            .collect::<Vec<_>>()
    };
    let endless = std::iter::repeat_n(Ok(vec![b' '; 4096]), 1000);
    let cases = [
        ("as large as allowed", call().body(exact(max)), 202),
        ("one more", call().body(exact(max + 1)), 413),
        ("in pieces", call().pieces(pieces(exact(max))), 202),
        (
            "one more in pieces",
            call().pieces(pieces(exact(max + 1))),
            413,
        ),
        ("without an end", call().pieces(endless), 413),
        (
            "declared as large",
            call()
                .header("content-length", "99999999")
                .pieces([Err(Interrupted)]),
            413,
        ),
    ];
    for (name, call, status) in cases {
        let reply = Service::new().send(call);
        assert_eq!(reply.status, status, "{name}");
        if status == 413 {
            reply.is_error(413, "PAYLOAD_TOO_LARGE");
        }
    }
}

#[test]
fn content_types() {
    let cases: [(&str, Option<&str>, u16); 8] = [
        ("plain", Some("application/json"), 202),
        (
            "with a parameter",
            Some("application/json; charset=utf-8"),
            202,
        ),
        ("in capitals", Some("Application/JSON ;x"), 202),
        ("none", None, 415),
        ("text", Some("text/plain"), 415),
        ("a form", Some("application/x-www-form-urlencoded"), 415),
        ("a longer name", Some("application/jsonp"), 415),
        ("empty", Some(""), 415),
    ];
    for (name, content_type, status) in cases {
        let mut call = Call::post(PATH).by("ann").body(refinement().to_string());
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        let reply = Service::new().send(call);
        assert_eq!(reply.status, status, "{name}");
        if status == 415 {
            reply.is_error(415, "UNSUPPORTED_MEDIA_TYPE");
        }
    }
}

#[test]
fn bodies_that_are_not_valid() {
    let cases: [(&str, Vec<u8>, &[&str]); 15] = [
        ("empty", b"".to_vec(), &[]),
        ("not JSON", b"{".to_vec(), &[]),
        ("null", b"null".to_vec(), &[]),
        ("a text", b"\"text\"".to_vec(), &[]),
        ("two objects", b"{}{}".to_vec(), &[]),
        ("no number", b"{\"a\": NaN}".to_vec(), &[]),
        ("half a character", b"{\"a\": \"\\ud800\"}".to_vec(), &[]),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec(), &[]),
        ("not UTF-8", b"{\"a\": \"\xff\"}".to_vec(), &[]),
        ("an array", b"[]".to_vec(), &[]),
        ("deeply nested", b"[".repeat(60_000), &[]),
        (
            "nothing in it",
            b"{}".to_vec(),
            &["original_image_url", "refinement_prompt"],
        ),
        (
            "blank prompt",
            with("refinement_prompt", json!("  ")).to_string().into(),
            &["refinement_prompt"],
        ),
        (
            "all at once",
            json!({
                "original_image_url": "http://127.0.0.1/a.png",
                "refinement_prompt": "",
                "logo_description": 5,
                "theme_description": "x".repeat(2001),
            })
            .to_string()
            .into(),
            &[
                "logo_description",
                "original_image_url",
                "refinement_prompt",
                "theme_description",
            ],
        ),
        (
            "an own image's URL that is too long",
            with(
                "original_image_url",
                json!(format!("{ORIGIN}/api/images/{}", "a".repeat(2048))),
            )
            .to_string()
            .into(),
            &["original_image_url"],
        ),
    ];
    for (name, body, fields) in cases {
        let service = Service::new();
        let call = Call::post(PATH)
            .by("ann")
            .header("content-type", "application/json")
            .body(body);
        let reply = service.send(call).is_error(422, "VALIDATION_ERROR");
        if fields.is_empty() {
            assert_eq!(reply["field_errors"], Value::Null, "{name}");
        } else {
            assert_eq!(
                keys(&reply["field_errors"]).into_iter().collect::<Vec<_>>(),
                fields,
                "{name}"
            );
        }
        assert_eq!(service.memory.called("submit"), 0, "{name}");
    }
}

/// Whose image it is, is asked last.
#[test]
fn what_is_wrong_is_told_before_the_image_store_is_missed() {
    let own = json!(format!("{ORIGIN}/api/images/uploads/ann/a.png"));
    for (name, body, key, status) in [
        ("all is well", with("original_image_url", own), "key", 503),
        (
            "a prompt",
            with("refinement_prompt", json!(" ")),
            "key",
            422,
        ),
        ("a key", refinement(), "a b", 422),
    ] {
        let service = Service::new();
        service.memory.fail("resolve");
        let call = Call::post(PATH).by("ann").json(&body);
        let reply = service.send(call.header("Idempotency-Key", key));
        assert_eq!(reply.status, status, "{name}");
        assert_eq!(service.memory.called("submit"), 0, "{name}");
    }
}

#[test]
fn an_interrupted_body_creates_nothing() {
    let service = Service::new();
    let body = refinement().to_string().into_bytes();
    let call = Call::post(PATH)
        .by("ann")
        .header("content-type", "application/json")
        .pieces([Ok(body), Err(Interrupted)]);
    service.send(call).is_error(422, "VALIDATION_ERROR");
    assert_eq!(service.memory.called("submit"), 0);
}

#[test]
fn idempotency_keys_that_are_not_valid() {
    let too_long = "k".repeat(256);
    let cases: [(&str, &[&[u8]]); 6] = [
        ("empty", &[b""]),
        ("too long", &[too_long.as_bytes()]),
        ("with a space", &[b"a b"]),
        ("not ASCII", &["ä".as_bytes()]),
        ("not UTF-8", &[b"\xff"]),
        ("two", &[b"a", b"a"]),
    ];
    for (name, values) in cases {
        let mut call = Call::refine("ann");
        for value in values {
            call = call.header("Idempotency-Key", value);
        }
        let body = Service::new().send(call).is_error(422, "VALIDATION_ERROR");
        assert_eq!(
            keys(&body["field_errors"]),
            ["Idempotency-Key"].into(),
            "{name}"
        );
    }
    let call = Call::post(PATH)
        .by("ann")
        .header("idempotency-key", "")
        .json(&with("refinement_prompt", json!(null)));
    let body = Service::new().send(call).is_error(422, "VALIDATION_ERROR");
    assert_eq!(
        keys(&body["field_errors"]),
        ["Idempotency-Key", "refinement_prompt"].into(),
        "all at once"
    );
}
