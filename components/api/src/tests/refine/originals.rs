//! Originals of our own, and those that the operator allows.

use concept_refinement_domain::capability::ImageKind;
use serde_json::json;

use super::{PATH, with};
use crate::Ports as _;
use crate::tests::service::{Call, ORIGIN, Service, run};

#[test]
fn originals_of_our_own() {
    let public = "https://refine.example.com";
    let of = |origin: &str| format!("{origin}/api/images/uploads/a.png");
    let (own, theirs) = (of(ORIGIN), of("https://example.com"));
    let bad = of(ORIGIN) + "?expires=1&signature=x";
    let signer = Service::with(&[("public-url", public)]);
    let signed = run(signer.memory.sign("uploads/a.png", ORIGIN)).unwrap();
    let missing = format!("{ORIGIN}/api/images/uploads/b.png");
    let (tasks, a) = (format!("{ORIGIN}/api/tasks"), Some("uploads/a.png"));
    let cases = [
        ("the owner's", "ann", own.clone(), 202, a),
        ("the owner's by the public URL", "ann", of(public), 202, a),
        ("the owner's, badly signed", "ann", bad.clone(), 202, a),
        ("another's", "bob", own, 404, None),
        ("another's, badly signed", "bob", bad, 404, None),
        ("another's, signed", "bob", signed, 404, None),
        ("one that is not there", "ann", missing, 404, None),
        ("another path of ours", "ann", tasks, 422, None),
        ("another origin", "ann", theirs, 202, None),
    ];
    for (name, user, url, status, path) in cases {
        let service = Service::with(&[("public-url", public)]);
        service
            .memory
            .put_image(ImageKind::Upload, "uploads/a.png", "ann", b"a");
        let call = Call::post(PATH)
            .by(user)
            .json(&with("original_image_url", json!(url)));
        let reply = service.send(call);
        assert_eq!(reply.status, status, "{name}");
        match status {
            202 => {
                let told = &reply.json()["metadata"]["original_image_url"];
                assert_eq!(*told, url, "{name}");
                let original = service.memory.task().original_path;
                assert_eq!(original.as_deref(), path, "{name}");
            }
            404 => drop(reply.is_error(404, "NOT_FOUND")),
            _ => drop(reply.is_error(422, "VALIDATION_ERROR")),
        }
    }
}

#[test]
fn allowed_sources() {
    let service = Service::with(&[("allow-sources", "127.0.0.1:9000")]);
    for (url, status) in [
        ("http://127.0.0.1:9001/a.png", 422),
        ("http://127.0.0.1:9000/a.png", 202),
    ] {
        let call = Call::post(PATH)
            .by("ann")
            .json(&with("original_image_url", json!(url)));
        assert_eq!(service.send(call).status, status, "{url}");
    }
}
