//! Originals of our own, and those that the operator allows.

use concept_refinement_domain::capability::ImageKind;
use serde_json::json;

use super::{PATH, with};
use crate::ImageStore;
use crate::tests::service::{Call, ORIGIN, Service, run};

#[test]
fn originals_of_our_own() {
    let unsigned = |origin: &str| format!("{origin}/api/images/uploads/a.png");
    let public = "https://refine.example.com";
    type Original = Box<dyn Fn(&Service) -> String>;
    let signed: Original = Box::new(|service| {
        let ports = &service.memory;
        run(ImageStore::sign(ports, "uploads/a.png", ORIGIN)).unwrap()
    });
    let cases: [(&str, &str, Original, u16, Option<&str>); 9] = [
        (
            "the owner's",
            "ann",
            Box::new(move |_| unsigned(ORIGIN)),
            202,
            Some("uploads/a.png"),
        ),
        (
            "the owner's by the public URL",
            "ann",
            Box::new(move |_| unsigned(public)),
            202,
            Some("uploads/a.png"),
        ),
        (
            "the owner's with a bad signature",
            "ann",
            Box::new(move |_| unsigned(ORIGIN) + "?expires=1&signature=x"),
            202,
            Some("uploads/a.png"),
        ),
        (
            "another's",
            "bob",
            Box::new(move |_| unsigned(ORIGIN)),
            404,
            None,
        ),
        (
            "another's with a bad signature",
            "bob",
            Box::new(move |_| unsigned(ORIGIN) + "?expires=1&signature=x"),
            404,
            None,
        ),
        ("another's with a good one", "bob", signed, 404, None),
        (
            "one that is not there",
            "ann",
            Box::new(|_| format!("{ORIGIN}/api/images/uploads/b.png")),
            404,
            None,
        ),
        (
            "another path of ours",
            "ann",
            Box::new(|_| format!("{ORIGIN}/api/tasks")),
            422,
            None,
        ),
        (
            "another origin",
            "ann",
            Box::new(move |_| unsigned("https://example.com")),
            202,
            None,
        ),
    ];
    for (name, user, url, status, path) in cases {
        let service = Service::with(&[("public-url", public)]);
        service
            .memory
            .put_image(ImageKind::Upload, "uploads/a.png", "ann", b"a");
        let url = url(&service);
        let call = Call::post(PATH)
            .by(user)
            .json(&with("original_image_url", json!(url)));
        let reply = service.send(call);
        assert_eq!(reply.status, status, "{name}");
        match status {
            202 => {
                assert_eq!(
                    reply.json()["metadata"]["original_image_url"],
                    url,
                    "{name}"
                );
                assert_eq!(
                    service.memory.task().original_path.as_deref(),
                    path,
                    "{name}"
                );
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
