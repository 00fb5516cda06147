//! Reading, listing and deleting concepts.

use std::time::Duration;

use serde_json::json;

use super::service::{Call, ORIGIN, Service};

const ID: &str = "00000000-0000-4000-8000-0000000000c1";

fn with_concept() -> Service {
    let service = Service::new();
    service.memory.put_concept(ID, "ann");
    service
}

#[test]
fn a_concept_reads() {
    let service = with_concept();
    let mut body = service
        .send(Call::get(format!("/api/concepts/{ID}")).by("ann"))
        .json();
    let url = body["image_url"].take();
    let url = url.as_str().unwrap();
    assert!(url.starts_with(&format!("{ORIGIN}/api/images/refined/{ID}.png?expires=")));
    assert_eq!(
        body,
        json!({
            "id": ID,
            "task_id": "00000000-0000-4000-8000-00000000000a",
            "image_url": null,
            "original_image_url": "https://example.com/a.png",
            "refinement_prompt": "make it brown",
            "logo_description": null,
            "theme_description": "warm",
            "color_palettes": [],
            "notes": ["Not understood: sparkles."],
            "original_concept_id": null,
            "provenance": null,
            "is_anonymous": true,
            "created_at": "2026-11-20T12:00:00.123456Z",
        })
    );
    let path = url.strip_prefix(ORIGIN).unwrap();
    assert_eq!(service.send(Call::get(path)).body, b"refined");
}

#[test]
fn concepts_are_listed_newest_first() {
    let service = with_concept();
    service.memory.advance(Duration::from_secs(1));
    let newer = "00000000-0000-4000-8000-0000000000c0";
    service.memory.put_concept(newer, "ann");
    let first = service
        .send(Call::get("/api/concepts?limit=1&status=x").by("ann"))
        .json();
    assert_eq!(first["concepts"][0]["id"], newer);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/concepts?cursor={cursor}");
    let second = service.send(Call::get(&path).by("ann")).json();
    assert_eq!(second["concepts"][0]["id"], ID);
    assert_eq!(second["next_cursor"], json!(null));
    service
        .send(Call::get(&path).by("bob"))
        .is_error(422, "VALIDATION_ERROR");
    let tasks = Call::get(format!("/api/tasks?cursor={cursor}")).by("ann");
    service.send(tasks).is_error(422, "VALIDATION_ERROR");
    let none = service.send(Call::get("/api/concepts").by("bob")).json();
    assert_eq!(none, json!({"concepts": [], "next_cursor": null}));
}

#[test]
fn concepts_that_are_not_there() {
    let service = with_concept();
    let cases = [
        ("another's", "bob", ID),
        ("unknown", "ann", "00000000-0000-4000-8000-0000000000c9"),
        ("no id", "ann", "x"),
        ("a word of ours", "ann", "task"),
    ];
    for (name, user, id) in cases {
        let path = format!("/api/concepts/{id}");
        for call in [Call::get(&path), Call::delete(&path)] {
            let body = service.send(call.by(user)).is_error(404, "NOT_FOUND");
            assert_eq!(body["detail"], "There is no such concept.", "{name}");
        }
    }
    assert_eq!(service.memory.concepts().len(), 1);
}

#[test]
fn deleting_takes_the_image_along() {
    let service = with_concept();
    let call = || Call::delete(format!("/api/concepts/{ID}")).by("ann");
    assert_eq!(service.send(call()).status, 204);
    let is_empty = |service: &Service| {
        let has_images = !service.memory.0.borrow().images.is_empty();
        (service.memory.concepts().is_empty(), !has_images)
    };
    assert_eq!(is_empty(&service), (true, true));
    service.send(call()).is_error(404, "NOT_FOUND");
}

#[test]
fn what_a_fault_left_is_deleted_by_a_repeat() {
    for fault in ["concept", "delete image", "delete concept"] {
        let service = with_concept();
        let call = || Call::delete(format!("/api/concepts/{ID}")).by("ann");
        service.memory.fail(fault);
        service.send(call()).is_error(503, "SERVICE_UNAVAILABLE");
        service.memory.0.borrow_mut().faults.clear();
        assert_eq!(service.memory.concepts().len(), 1, "{fault}");
        assert_eq!(service.send(call()).status, 204, "{fault}");
        assert!(service.memory.0.borrow().images.is_empty(), "{fault}");
    }
}

#[test]
fn on_a_full_disk_the_image_makes_room() {
    let service = with_concept();
    let call = || Call::delete(format!("/api/concepts/{ID}")).by("ann");
    service.memory.0.borrow_mut().is_full_until_an_image_goes = true;
    assert_eq!(service.send(call()).status, 204);
    assert_eq!(service.memory.concepts(), []);
    assert!(service.memory.0.borrow().images.is_empty());
}
