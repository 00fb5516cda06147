//! Uploading images.

use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_limits::ImageUsage;
use serde_json::json;

use super::service::{Call, ORIGIN, Service, png, refinement};
use crate::request::Interrupted;

const PATH: &str = "/api/images";

fn call() -> Call {
    Call::post(PATH).by("ann")
}

fn pieces(bytes: &[u8], size: usize) -> Vec<Result<Vec<u8>, Interrupted>> {
    bytes.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect()
}

/// The bytes with their length declared and without, in pieces of any size.
fn ways(bytes: &[u8]) -> Vec<(String, Call)> {
    let length = bytes.len().to_string();
    let ways = [1, 7, 1000, usize::MAX >> 1].into_iter().flat_map(|size| {
        let call = call().pieces(pieces(bytes, size));
        let declared = call.clone().header("content-length", &length);
        let ways = [("declared", declared), ("not declared", call)];
        ways.map(|(name, call)| (format!("{name}, by {size}"), call))
    });
    ways.collect()
}

#[test]
fn a_form_is_told_what_to_send_instead() {
    let form = b"--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nbytes\r\n--x--";
    for (declared, is_form) in [
        ("multipart/form-data; boundary=x", true),
        ("Multipart/Form-Data; boundary=x", true),
        ("text/plain", false),
    ] {
        for (name, call) in ways(form) {
            let reply = Service::new().send(call.header("content-type", declared));
            reply.is_error(415, "UNSUPPORTED_MEDIA_TYPE");
            let detail = reply.json()["detail"].to_string();
            let is_told = detail.contains("--data-binary");
            assert_eq!(is_told, is_form, "{declared}, {name}: {detail}");
        }
    }
    // What it is, is decided by its bytes.
    let call = call()
        .header("content-type", "multipart/form-data")
        .body(png(20, 10, 3000));
    assert_eq!(Service::new().send(call).status, 201);
}

#[test]
fn an_image_is_stored_as_it_was_sent() {
    let image = png(20, 10, 3000);
    for (name, call) in ways(&image) {
        let service = Service::new();
        let reply = service.send(call.header("content-type", "text/plain"));
        assert_eq!(reply.status, 201, "{name}");
        let body = reply.json();
        let path = body["path"].as_str().unwrap();
        let url = body["image_url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{ORIGIN}/api/images/{path}?expires=")));
        {
            let state = service.memory.0.borrow();
            let (info, bytes) = &state.images[path];
            assert_eq!(*bytes, image, "{name}");
            assert_eq!(info.owner, "ann");
            assert_eq!(info.kind, ImageKind::Upload);
            assert_eq!(info.media_type, "image/png");
        }
        let mut refinement = refinement();
        refinement["original_image_url"] = json!(url);
        let refine = Call::post("/api/concepts/refine").by("ann");
        let reply = service.send(refine.json(&refinement));
        assert_eq!(reply.status, 202, "{name}");
        assert_eq!(service.memory.task().original_path.as_deref(), Some(path));
    }
}

#[test]
fn what_is_no_whole_image_is_not_stored() {
    let whole = png(20, 10, 3000);
    let text = b"no image at all, but quite some text";
    let cut = |length: usize| whole[..length].to_vec();
    let cases = [
        ("empty", Vec::new(), 422),
        ("one byte", cut(1), 422),
        ("the signature alone", cut(8), 422),
        ("cut in the middle", cut(1500), 422),
        ("all but the last byte", cut(whole.len() - 1), 422),
        ("text", text.to_vec(), 415),
        ("HTML", b"<html><script>alert(1)</script>".to_vec(), 415),
        ("too many pixels", png(10_000, 10_000, 10), 413),
        ("too large", png(20, 10, 20 * 1024), 413),
    ];
    for (name, bytes, status) in cases {
        for (way, call) in ways(&bytes) {
            let service = Service::with(&[("max-image-bytes", "10KiB")]);
            let reply = service.send(call);
            let code = match status {
                413 => "PAYLOAD_TOO_LARGE",
                415 => "UNSUPPORTED_MEDIA_TYPE",
                _ => "VALIDATION_ERROR",
            };
            assert_eq!(reply.status, status, "{name}, {way}");
            let body = reply.is_error(status, code);
            assert_eq!(body["field_errors"], json!(null));
            assert!(service.memory.0.borrow().images.is_empty(), "{name}, {way}");
        }
    }
}

#[test]
fn an_image_of_another_format_is_called_by_its_name() {
    for (name, bytes) in [
        ("AVIF", &b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"[..]),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("SVG", b"<?xml version='1.0'?><svg/>"),
    ] {
        for (way, call) in ways(bytes) {
            let reply = Service::new().send(call);
            let body = reply.is_error(415, "UNSUPPORTED_MEDIA_TYPE");
            let sentence = format!(
                "The image cannot be used: {name} images are not supported; use PNG, JPEG, \
                 WebP or GIF."
            );
            assert_eq!(body["detail"], sentence, "{way}");
        }
    }
}

#[test]
fn a_declared_length_is_judged_before_anything_is_read() {
    let service = Service::new();
    let call = call().header("content-length", "99999999999");
    let reply = service.send(call.pieces([Err(Interrupted)]));
    reply.is_error(413, "PAYLOAD_TOO_LARGE");
}

#[test]
fn an_interrupted_upload_is_not_stored() {
    let image = png(20, 10, 3000);
    for declared in [true, false] {
        let mut all = pieces(&image, 100);
        all.push(Err(Interrupted));
        let mut call = call().pieces(all);
        if declared {
            call = call.header("content-length", (image.len() + 1).to_string());
        }
        let service = Service::new();
        service.send(call).is_error(422, "VALIDATION_ERROR");
        assert!(service.memory.0.borrow().images.is_empty());
    }
}

#[test]
fn a_length_that_is_wrong() {
    let image = png(20, 10, 3000);
    for length in [image.len() - 1, image.len() + 1] {
        let service = Service::new();
        let call = call().header("content-length", length.to_string());
        let call = call.pieces(pieces(&image, 100));
        service.send(call).is_error(422, "VALIDATION_ERROR");
        assert!(service.memory.0.borrow().images.is_empty());
    }
}

#[test]
fn so_many_uploads_are_kept() {
    let service = Service::with(&[("uploads", "2")]);
    let upload = || service.send(call().body(png(1, 1, 1)));
    let path = upload().json()["path"].as_str().unwrap().to_owned();
    assert_eq!(upload().status, 201);
    upload().is_error(429, "RATE_LIMIT_EXCEEDED");
    let reply = service.send(call().pieces(pieces(&png(1, 1, 1), 10)));
    reply.is_error(429, "RATE_LIMIT_EXCEEDED");
    let others = service.send(Call::post(PATH).by("bob").body(png(1, 1, 1)));
    assert_eq!(others.status, 201);
    let deleted = service.send(Call::delete(format!("{PATH}/{path}")).by("ann"));
    assert_eq!(deleted.status, 204);
    assert_eq!(upload().status, 201);
}

/// Where no length is declared, the largest image that a user may have is reserved.
#[test]
fn the_bytes_of_uploads_are_limited_together() {
    let image = png(20, 10, 3000);
    let bytes = image.len();
    for (name, limit, declared, expected) in [
        ("just enough", 2 * bytes, true, [201, 201, 429]),
        ("a byte too few", 2 * bytes - 1, true, [201, 429, 429]),
        ("for the largest", bytes + 4000, false, [201, 201, 429]),
        ("not for the largest", bytes + 3999, false, [201, 429, 429]),
        ("less than the largest", bytes, false, [201, 429, 429]),
    ] {
        let limit = limit.to_string();
        let service = Service::with(&[("upload-bytes", &*limit), ("max-image-bytes", "4000")]);
        for status in expected {
            let call = match declared {
                true => call().body(image.clone()),
                false => call().pieces(pieces(&image, 100)),
            };
            let reply = service.send(call);
            assert_eq!(reply.status, status, "{name}");
            if status == 429 {
                let detail = reply.json()["detail"].as_str().unwrap().to_owned();
                assert!(detail.starts_with("Your uploads may take"), "{detail}");
            }
        }
        let others = service.send(Call::post(PATH).by("bob").body(image.clone()));
        assert_eq!(others.status, 201, "{name}");
    }
}

#[test]
fn an_image_is_larger_than_all_may_be_together() {
    let image = png(20, 10, 3000);
    let limit = (image.len() - 1).to_string();
    for (way, call) in ways(&image) {
        let service = Service::with(&[("upload-bytes", &*limit)]);
        let body = service.send(call).is_error(429, "RATE_LIMIT_EXCEEDED");
        let detail = body["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("Your uploads may take"),
            "{way}: {detail}"
        );
        assert!(service.memory.0.borrow().images.is_empty(), "{way}");
    }
}

#[test]
fn so_many_uploads_are_under_way_at_once() {
    let image = png(1, 1, 1);
    let service = Service::new();
    for (under_way, status) in [(3, 201), (4, 429)] {
        service.memory.0.borrow_mut().under_way = ImageUsage {
            images: under_way,
            bytes: 0,
            under_way,
        };
        for call in [
            call().body(image.clone()),
            call().pieces(pieces(&image, 10)),
        ] {
            let reply = service.send(call);
            assert_eq!(reply.status, status, "{under_way}");
        }
    }
}

#[test]
fn uploads_of_undeclared_length_share_memory() {
    const MIB: usize = 1 << 20;
    let service = Service::new();
    let small = png(1, 1, 1);
    let large = png(20, 10, 3 * MIB);
    let send =
        |user, image: &[u8]| service.send(Call::post(PATH).by(user).pieces(pieces(image, 100_000)));
    let is_refused = |user, image: &[u8]| {
        let reply = send(user, image);
        let body = reply.is_error(503, "SERVICE_UNAVAILABLE");
        let sentence = "Too many uploads without a declared length are under way.";
        assert_eq!(body["detail"], sentence);
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(reply.header("concept-refinement-short-of"), None);
    };
    let mut hoard = service.api.state.upload_memory.take("ann").unwrap();
    assert!(hoard.cover(62 * MIB));
    is_refused("ann", &small);
    for _ in 0..5 {
        assert_eq!(send("bob", &small).status, 201, "memory is given back");
    }
    let stored = service.memory.0.borrow().images.len();
    is_refused("bob", &large);
    assert_eq!(service.memory.0.borrow().images.len(), stored);
    assert!(hoard.cover(64 * MIB));
    is_refused("bob", &small);
    let declared = Call::post(PATH).by("bob").body(large.clone());
    assert_eq!(service.send(declared).status, 201);
    drop(hoard);
    assert_eq!(send("ann", &large).status, 201);
}

#[test]
fn a_refusal_for_want_of_memory_is_named_where_it_is_asked_for() {
    let service = Service::with(&[("name-routes", "true")]);
    let mut hoard = service.api.state.upload_memory.take("ann").unwrap();
    assert!(hoard.cover(64 << 20));
    let reply = service.send(call().pieces(pieces(&png(1, 1, 1), 10)));
    reply.is_error(503, "SERVICE_UNAVAILABLE");
    assert_eq!(reply.header("concept-refinement-short-of"), Some("uploads"));
}

#[test]
fn a_store_out_of_reach() {
    for name in ["put", "sign"] {
        let service = Service::new();
        service.memory.fail(name);
        let reply = service.send(call().body(png(1, 1, 1)));
        reply.is_error(503, "SERVICE_UNAVAILABLE");
    }
}
