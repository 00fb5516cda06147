//! What a concept was refined from, and what was refined from it.

use std::time::Duration;

use serde_json::{Value, json};

use super::service::{Call, ORIGIN, Service, refinement};

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Concepts in the order of their numbers; each has its number, and its parent's.
fn with(concepts: &[(u32, Option<u32>)]) -> Service {
    let service = Service::new();
    for (number, parent) in concepts {
        service.memory.advance(Duration::from_secs(1));
        let parent = parent.map(id);
        let (memory, id) = (&service.memory, id(*number));
        memory.put_child(&id, "ann", parent.as_deref());
    }
    service
}

fn lineage(service: &Service, number: u32) -> Vec<String> {
    let call = Call::get(format!("/api/concepts/{}/lineage", id(number)));
    let reply = service.send(call.by("ann"));
    assert_eq!(reply.status, 200);
    let body = reply.json();
    let concepts = body["concepts"].as_array().unwrap().iter();
    concepts
        .map(|concept| concept["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_lineage_goes_both_ways_without_siblings() {
    // 1 ─ 2 ─ 3 ─ 5
    //   ╰ 4     ╰ 6
    let tree = [
        (1, None),
        (2, Some(1)),
        (3, Some(2)),
        (4, Some(1)),
        (5, Some(3)),
        (6, Some(3)),
        (7, None),
    ];
    for (of, expected) in [
        (1, vec![1, 2, 3, 4, 5, 6]),
        (2, vec![1, 2, 3, 5, 6]),
        (3, vec![1, 2, 3, 5, 6]),
        (4, vec![1, 4]),
        (5, vec![1, 2, 3, 5]),
        (7, vec![7]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(id).collect();
        assert_eq!(lineage(&with(&tree), of), expected, "of {of}");
    }
}

#[test]
fn a_deleted_concept_ends_the_way() {
    let service = with(&[(1, None), (2, Some(1)), (3, Some(2)), (4, Some(3))]);
    let delete = Call::delete(format!("/api/concepts/{}", id(2)));
    assert_eq!(service.send(delete.by("ann")).status, 204);
    assert_eq!(lineage(&service, 1), [id(1)]);
    assert_eq!(lineage(&service, 4), [id(3), id(4)]);
    let third = service.send(Call::get(format!("/api/concepts/{}", id(3))).by("ann"));
    assert_eq!(third.json()["original_concept_id"], id(2));
}

#[test]
fn a_lineage_has_at_most_a_hundred_concepts() {
    let chain = |length: u32| (1..=length).map(|it| (it, (it > 1).then(|| it - 1)));
    let service = with(&chain(150).collect::<Vec<_>>());
    let numbers = |range: std::ops::RangeInclusive<u32>| range.map(id).collect::<Vec<_>>();
    // The nearest, and first those that it comes from.
    assert_eq!(lineage(&service, 150), numbers(51..=150));
    assert_eq!(lineage(&service, 60), numbers(1..=100));
    assert_eq!(lineage(&service, 1), numbers(1..=100));
    let fan: Vec<_> = (1..=150).map(|it| (it, (it > 1).then_some(1))).collect();
    assert_eq!(lineage(&with(&fan), 1), numbers(1..=100));
    // What is stored may have been tampered with.
    let circle = with(&[(1, Some(3)), (2, Some(1)), (3, Some(2))]);
    assert_eq!(lineage(&circle, 2), numbers(1..=3));
}

#[test]
fn a_lineage_is_its_users_alone() {
    let service = with(&[(1, None), (2, Some(1))]);
    service.memory.put_child(&id(3), "bob", Some(&id(1)));
    assert_eq!(lineage(&service, 1), [id(1), id(2)]);
    let path = |id: &str| format!("/api/concepts/{id}/lineage");
    for (user, id) in [
        ("bob", id(1)),
        ("ann", id(3)),
        ("ann", id(9)),
        ("ann", "1".to_owned()),
    ] {
        let reply = service.send(Call::get(path(&id)).by(user));
        reply.is_error(404, "NOT_FOUND");
    }
    // Of bob's, whatever it says, only his.
    let reply = service.send(Call::get(path(&id(3))).by("bob"));
    assert_eq!(reply.json()["concepts"].as_array().unwrap().len(), 1);
    assert_eq!(service.send(Call::get(path(&id(1)))).status, 401);
}

fn refine(body: &Value) -> Call {
    Call::post("/api/concepts/refine").by("ann").json(body)
}

#[test]
fn a_concept_is_refined_again() {
    let service = with(&[(1, None)]);
    let mut body = refinement();
    body["original_image_url"] = Value::Null;
    body["original_concept_id"] = json!(id(1));
    body["preserve_aspects"] = json!(["layout", "colors"]);
    let reply = service.send(refine(&body));
    assert_eq!(reply.status, 202);
    let metadata = &reply.json()["metadata"];
    assert_eq!(metadata["original_image_url"], Value::Null);
    assert_eq!(metadata["original_concept_id"], id(1));
    assert_eq!(metadata["preserve_aspects"], json!(["layout", "colors"]));
    let task = service.memory.task();
    let path = format!("refined/{}.png", id(1));
    assert_eq!(task.original_path, Some(path.clone()));
    let address = format!("{ORIGIN}/api/images/{path}");
    assert_eq!(task.original_address(), address);
    assert_eq!(task.parent.map(|parent| parent.id), Some(id(1)));
    let message: Value = serde_json::from_slice(&service.memory.0.borrow().messages[0]).unwrap();
    assert_eq!(message["original_image_url"], address);
}

#[test]
fn an_original_is_one_of_ones_own_concepts_or_a_url() {
    let concept = |value: Value| {
        let mut body = refinement();
        body.as_object_mut().unwrap().remove("original_image_url");
        body["original_concept_id"] = value;
        body
    };
    let both = {
        let mut body = refinement();
        body["original_concept_id"] = json!(id(1));
        body
    };
    let (url, none) = ("original_image_url", "There is no such concept.");
    let missing = "The image of this concept is missing.";
    for (name, body, status, told) in [
        ("nobody's", concept(json!(id(9))), 404, none),
        ("no UUID", concept(json!("1")), 404, none),
        ("nothing", concept(json!("")), 404, none),
        ("another user's", concept(json!(id(2))), 404, none),
        ("without its image", concept(json!(id(3))), 404, missing),
        (
            "another user's without its image",
            concept(json!(id(4))),
            404,
            none,
        ),
        ("neither", concept(Value::Null), 422, url),
        ("both", both, 422, url),
        ("a number", concept(json!(1)), 422, "original_concept_id"),
    ] {
        let service = with(&[(1, None), (3, None)]);
        service.memory.put_concept(&id(2), "bob");
        service.memory.put_concept(&id(4), "bob");
        for number in [3, 4] {
            let path = format!("refined/{}.png", id(number));
            service.memory.0.borrow_mut().images.remove(&path);
        }
        let reply = service.send(refine(&body));
        let code = if status == 404 {
            "NOT_FOUND"
        } else {
            "VALIDATION_ERROR"
        };
        let error = reply.is_error(status, code);
        let said: Vec<_> = match error["field_errors"].as_object() {
            Some(fields) => fields.keys().map(String::as_str).collect(),
            None => Vec::from_iter(error["detail"].as_str()),
        };
        assert_eq!(said, [told], "{name}");
    }
}

/// Also when the concept was deleted meanwhile: it was accepted once.
#[test]
fn a_repeat_of_a_refinement_of_a_concept_is_one() {
    let service = with(&[(1, None)]);
    let mut body = refinement();
    body["original_image_url"] = Value::Null;
    body["original_concept_id"] = json!(id(1));
    let call = || refine(&body).header("idempotency-key", "a");
    let first = service.send(call());
    assert_eq!(first.status, 202);
    let delete = Call::delete(format!("/api/concepts/{}", id(1)));
    assert_eq!(service.send(delete.by("ann")).status, 204);
    let again = service.send(call());
    assert_eq!(again.status, 202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json(), first.json());
    body["preserve_aspects"] = json!(["style"]);
    let other = refine(&body).header("idempotency-key", "a");
    service.send(other).is_error(422, "VALIDATION_ERROR");
}
