//! Documents of other versions, and what a deleted concept leaves.

use concept_refinement_domain::capability::RefinedImage;
use concept_refinement_domain::concept::id_for;
use serde_json::{Value, json};

use super::deliveries::with_webhook;
use super::*;
use crate::names;

fn finished(number: u64, notes: &[&str]) -> String {
    let id = accepted(number);
    let lease = alone(store().claim(&id, None)).unwrap().unwrap().lease;
    let image = RefinedImage {
        stored: image(&lease),
        notes: notes.iter().map(ToString::to_string).collect(),
        provenance: None,
    };
    let finished = alone(store().finish(&lease, image)).unwrap();
    assert_eq!(finished, Finished::Done);
    id
}

/// What is stored under keys that begin like this.
fn texts(prefix: &str) -> Vec<String> {
    stored(|stored| {
        let found = stored.iter().filter(|(key, _)| key.starts_with(prefix));
        let text = found.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        text.collect()
    })
}

#[test]
fn notes_outlive_the_concept_and_nothing_else_does() {
    fresh();
    let id = finished(1, &["A note."]);
    let before = alone(store().get("ada", &id)).unwrap().unwrap();
    assert_eq!(before.notes, ["A note."]);
    let concept = id_for(&id);
    let path = alone(store().delete_concept("ada", &concept)).unwrap();
    assert_eq!(path, before.image_path);
    let again = alone(store().delete_concept("ada", &concept)).unwrap();
    assert_eq!(again, None);
    assert_eq!(alone(store().concept("ada", &concept)).unwrap(), None);
    let mut expected = before;
    expected.image_path = None;
    let told = alone(store().get("ada", &id)).unwrap();
    assert_eq!(told, Some(expected.clone()));
    let listed = alone(store().list("ada", None, 9, None)).unwrap().items;
    assert_eq!(listed, [expected]);
    let ends = texts("end/");
    assert_eq!(ends.len(), 1);
    for gone in ["lighter", "/api/images", "example.com"] {
        assert!(!ends[0].contains(gone), "{}", ends[0]);
    }
    assert!(alone(store().delete("ada", &id)).unwrap());
    assert_eq!(keys(), [names::user("ada")]);
}

#[test]
fn whoever_deletes_first_nothing_is_left() {
    for seed in 1..=300_u64 {
        fresh();
        let id = finished(1, &["A note."]);
        RANDOM.set(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let task = id.clone();
        let mut running: Running = vec![
            Box::pin(async move { assert!(store().delete("ada", &task).await.unwrap()) }),
            Box::pin(async move {
                let deleted = store().delete_concept("ada", &id_for(&id)).await;
                assert!(deleted.unwrap().is_some());
            }),
        ];
        while !running.is_empty() {
            step(&mut running, u64::MAX);
        }
        assert_eq!(keys(), [names::user("ada")], "seed {seed}");
    }
}

/// Changes each document whose key begins like this.
fn edit(prefix: &str, edit: impl Fn(&mut Value)) {
    let mut edited = 0;
    stored(|stored| {
        for (_, value) in stored.iter_mut().filter(|(key, _)| key.starts_with(prefix)) {
            let mut document = serde_json::from_slice(value).unwrap();
            edit(&mut document);
            *value = document.to_string().into_bytes();
            edited += 1;
        }
    });
    assert!(edited > 0, "{prefix}");
}

/// Many ended tasks, so that there are segments and keys outside of the record, and one
/// that is processing.
fn history() -> Lease {
    fresh();
    for number in 1..=99 {
        let task = NewTask {
            idempotency_key: Some(format!("key {number}")),
            ..new_task("ada", number)
        };
        alone(store().submit(task)).unwrap();
        alone(pipeline(id(number)));
    }
    ACTIVE_TASKS.set(2);
    with_webhook(100);
    let lease = alone(store().claim(&id(100), None)).unwrap().unwrap().lease;
    alone(store().began(&lease, Stage::Refining));
    lease
}

#[test]
fn what_a_later_version_has_written_is_not_used_and_not_changed() {
    type Call = fn(&Lease) -> Result<(), Fault>;
    let submit: Call = |_| alone(store().submit(new_task("ada", 200))).map(drop);
    let repeat: Call = |_| {
        let repeat = NewTask {
            idempotency_key: Some("key 1".into()),
            ..new_task("ada", 200)
        };
        alone(store().submit(repeat)).map(drop)
    };
    let read: Call = |_| alone(store().get("ada", &id(1))).map(drop);
    let list: Call = |_| alone(store().list("ada", None, 100, None)).map(drop);
    let renew: Call = |lease| alone(store().renew(lease)).map(drop);
    let finish: Call = |lease| alone(store().finish(lease, image(lease).into())).map(drop);
    let concept: Call = |_| alone(store().concept("ada", &id_for(&id(1)))).map(drop);
    let concepts: Call = |_| alone(store().concepts("ada", 100, None)).map(drop);
    let uncover: Call = |_| alone(store().delete_concept("ada", &id_for(&id(1)))).map(drop);
    let delete: Call = |_| alone(store().delete("ada", &id(1))).map(drop);
    let (top, state) = (&["/v"][..], "/state/v");
    let active = "/tasks/35/active/state/v";
    let work = [submit, read, list, renew, finish];
    let of_concepts = [read, list, concept, concepts, uncover];
    for (prefix, at, calls) in [
        (
            "user/",
            top,
            [&work[..], &[concept, concepts, uncover, delete]].concat(),
        ),
        ("user/", &[active], vec![submit, list, renew, finish]),
        ("segment/", top, [&of_concepts[..], &[delete]].concat()),
        ("task/", top, [&work[..], &[delete]].concat()),
        ("task/", &["/request/v"], work.to_vec()),
        ("end/", top, of_concepts.to_vec()),
        ("end/", &[state], vec![read, list]),
        ("end/", &["/concept/v"], of_concepts.to_vec()),
        ("concept/", top, vec![concept, uncover]),
        ("key/", top, vec![repeat]),
    ] {
        let lease = history();
        edit(prefix, |document| {
            for pointer in at {
                *document.pointer_mut(pointer).unwrap() = json!(2);
            }
        });
        let before = stored(|stored| stored.clone());
        for (number, call) in calls.iter().enumerate() {
            let called = call(&lease);
            let is_told = matches!(&called, Err(Fault::Unavailable(why)) if why.contains("later"));
            assert!(is_told, "{prefix} {at:?} {number}: {called:?}");
            let is_same = stored(|stored| *stored == before);
            assert!(is_same, "{prefix} {at:?} {number}");
        }
    }
}

#[test]
fn an_image_of_a_later_version_is_left_alone() {
    history();
    edit("image/", |document| document["v"] = json!(2));
    let before = stored(|stored| stored.clone());
    let path = stored(|stored| {
        let mut keys = stored.keys().filter_map(|key| key.strip_prefix("image/"));
        keys.next().unwrap().to_owned()
    });
    let name = path.rsplit_once('/').unwrap().1.replace(".png", "");
    for called in [
        alone(store().stat_image(&path)).map(drop),
        alone(store().delete_image(&path)),
        alone(put_image(ImageKind::Refined, name)).map(drop),
    ] {
        assert!(matches!(called, Err(Fault::Unavailable(_))), "{called:?}");
        assert!(stored(|stored| *stored == before));
    }
}

#[test]
fn what_a_later_version_added_is_kept() {
    let lease = history();
    let colour = |value: &mut Value, pointers: &[&str]| {
        for pointer in pointers {
            value.pointer_mut(pointer).unwrap()["colour"] = json!("blue");
        }
    };
    let (active, end) = ("/tasks/35/active", "/tasks/0/end");
    let everywhere = [
        "",
        "/keys/0",
        "/segments/0",
        "/tasks/0",
        end,
        active,
        "/tasks/35/active/state",
        "/tasks/35/delivery",
    ];
    edit("user/", |record| colour(record, &everywhere));
    edit("segment/", |record| {
        colour(record, &["", "/entries/0", "/entries/0/end"])
    });
    edit("end/", |document| colour(document, &["/state"]));
    let blue = |prefix| texts(prefix).concat().matches("blue").count();
    let (in_segments, in_ends) = (blue("segment/"), blue("end/"));
    alone(store().renew(&lease)).unwrap().unwrap();
    assert_eq!(blue("user/"), everywhere.len());
    let finished = alone(store().finish(&lease, image(&lease).into())).unwrap();
    assert_eq!(finished, Finished::Done);
    assert_eq!(
        blue("user/"),
        everywhere.len() - 2,
        "it is not active any more"
    );
    assert_eq!(blue("end/"), in_ends + 1, "its state");
    alone(store().delete_concept("ada", &id_for(&id(1))))
        .unwrap()
        .unwrap();
    assert_eq!(blue("segment/"), in_segments);
    assert_eq!(blue("end/"), in_ends + 1);
}

#[test]
fn each_document_bears_its_version() {
    history();
    alone(store().check());
    for (key, document) in stored(|stored| stored.clone()) {
        if key.starts_with("chunk/") || [names::SECRET, names::HEALTH].contains(&key.as_str()) {
            continue;
        }
        let document: Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(document["v"], json!(1), "{key}");
    }
}
