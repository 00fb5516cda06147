//! Asking where an image comes from.

use concept_refinement_domain::hex::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::service::{Call, Service, png};

const PATH: &str = "/api/verify";

fn service() -> Service {
    Service::with(&[("verify", "on"), ("max-image-bytes", "10KiB")])
}

#[test]
fn anyone_may_ask_for_an_image_that_was_made_here() {
    let service = service();
    let image = png(20, 10, 3000);
    let id = "00000000-0000-4000-8000-0000000000c1";
    service.memory.put_concept(id, "ann");
    let unknown = json!({"made_here": false, "made_at": null, "source": null, "marks": []});
    let ask = || Call::post(PATH).body(image.clone());
    assert_eq!(service.send(ask()).json(), unknown);
    service.memory.set_sha256(id, &hex(&Sha256::digest(&image)));
    let made = service.send(ask());
    assert_eq!(made.status, 200);
    let expected = json!({
        "made_here": true,
        "made_at": "2026-11-20T12:00:00.123456Z",
        "source": null,
        "marks": [],
    });
    assert_eq!(made.json(), expected);
    let mut other = image.clone();
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(service.send(Call::post(PATH).body(other)).json(), unknown);
}

#[test]
fn marks_are_told() {
    // A chunk of credentials behind the header, which 8 bytes of signature precede.
    let mut image = png(20, 10, 3000);
    let chunk = [&4_u32.to_be_bytes()[..], b"caBX", b"jumb", &[0; 4]].concat();
    image.splice(33..33, chunk);
    let reply = service().send(Call::post(PATH).body(image));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["marks"], json!(["c2pa"]));
    assert_eq!(reply.json()["source"], json!(null));
}

#[test]
fn what_is_no_whole_image_is_refused() {
    let whole = png(20, 10, 3000);
    for (name, bytes, status) in [
        ("empty", Vec::new(), 422),
        ("cut", whole[..1500].to_vec(), 422),
        ("text", b"no image at all".to_vec(), 415),
        ("too large", png(20, 10, 20 * 1024), 413),
        ("too many pixels", png(10_000, 10_000, 10), 413),
    ] {
        let reply = service().send(Call::post(PATH).body(bytes.clone()));
        let code = match status {
            413 => "PAYLOAD_TOO_LARGE",
            415 => "UNSUPPORTED_MEDIA_TYPE",
            _ => "VALIDATION_ERROR",
        };
        assert_eq!(reply.status, status, "{name}");
        reply.is_error(status, code);
        let upload = Call::post("/api/images").by("ann").body(bytes);
        assert_eq!(service().send(upload).json(), reply.json(), "{name}");
    }
    let form = Call::post(PATH).header("content-type", "multipart/form-data; boundary=a");
    let reply = service().send(form.body(b"--a".to_vec()));
    let detail = &reply.is_error(415, "UNSUPPORTED_MEDIA_TYPE")["detail"];
    assert!(detail.as_str().unwrap().contains("not a form"), "{detail}");
}

#[test]
fn it_is_off_unless_it_is_on() {
    for settings in [&[][..], &[("verify", "off")]] {
        let service = Service::with(settings);
        let reply = service.send(Call::post(PATH).body(png(20, 10, 3000)));
        reply.is_error(404, "NOT_FOUND");
    }
}
