//! Bodies and keys that are not as they must be.

use serde_json::{Value, json};

use super::{PATH, with};
use crate::request::Interrupted;
use crate::tests::memory::keys;
use crate::tests::service::{Call, ORIGIN, Service, refinement};

/// A request whose body is to be JSON.
fn declared() -> Call {
    let call = Call::post(PATH).by("ann");
    call.header("content-type", "application/json")
}

#[test]
fn bodies_that_are_too_large() {
    let exact = |length: usize| {
        let mut body = refinement().to_string();
        body.push_str(&" ".repeat(length - body.len()));
        body.into_bytes()
    };
    let call = declared;
    let endless_length = call().header("content-length", "99999999");
    let max = 64 * 1024;
    let in_pieces = |bytes: Vec<u8>| {
        let pieces = bytes.chunks(1000).map(|chunk| Ok(chunk.to_vec()));
        call().pieces(pieces)
    };
    let endless = std::iter::repeat_n(Ok(vec![b' '; 4096]), 1000);
    let cases = [
        ("as large as allowed", call().body(exact(max)), 202),
        ("one more", call().body(exact(max + 1)), 413),
        ("in pieces", in_pieces(exact(max)), 202),
        ("one more in pieces", in_pieces(exact(max + 1)), 413),
        ("without an end", call().pieces(endless), 413),
        (
            "declared as large",
            endless_length.pieces([Err(Interrupted)]),
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
    let of_charset = "application/json; charset=utf-8";
    let cases: [(&str, Option<&str>, u16); 8] = [
        ("plain", Some("application/json"), 202),
        ("with a parameter", Some(of_charset), 202),
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
    let [logo, url] = ["logo_description", "original_image_url"];
    let [prompt, theme] = ["refinement_prompt", "theme_description"];
    let bytes = |body: Value| body.to_string().into_bytes();
    let all_wrong = json!({
        "original_image_url": "http://127.0.0.1/a.png",
        "refinement_prompt": "",
        "logo_description": 5,
        "theme_description": "x".repeat(2001),
    });
    let long = json!(format!("{ORIGIN}/api/images/{}", "a".repeat(2048)));
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
        ("nothing in it", b"{}".to_vec(), &[url, prompt]),
        ("blank prompt", bytes(with(prompt, json!("  "))), &[prompt]),
        ("all at once", bytes(all_wrong), &[logo, url, prompt, theme]),
        ("a long URL of ours", bytes(with(url, long)), &[url]),
    ];
    for (name, body, fields) in cases {
        let service = Service::new();
        let reply = service
            .send(declared().body(body))
            .is_error(422, "VALIDATION_ERROR");
        if fields.is_empty() {
            assert_eq!(reply["field_errors"], Value::Null, "{name}");
        } else {
            let found = keys(&reply["field_errors"]).into_iter();
            assert_eq!(found.collect::<Vec<_>>(), fields, "{name}");
        }
        assert_eq!(service.memory.called("submit"), 0, "{name}");
    }
}

/// Whose image it is, is asked last.
#[test]
fn what_is_wrong_is_told_before_the_image_store_is_missed() {
    let own = json!(format!("{ORIGIN}/api/images/uploads/ann/a.png"));
    let blank = with("refinement_prompt", json!(" "));
    for (name, body, key, status) in [
        ("all is well", with("original_image_url", own), "key", 503),
        ("a prompt", blank, "key", 422),
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
    let call = declared().pieces([Ok(body), Err(Interrupted)]);
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
