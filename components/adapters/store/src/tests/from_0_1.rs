//! What 0.1 has stored.

use concept_refinement_domain::capability::TaskFailure;
use concept_refinement_domain::concept::id_for;
use concept_refinement_domain::image_path::tag_of;
use concept_refinement_domain::payment::receipt_key;
use concept_refinement_domain::webhook::{DeliveryState, Webhook};
use serde_json::{Value, json};

use super::deliveries::{answered, delivery};
use super::payments::begun;
use super::*;
use crate::names;

/// Written by 0.1, a line for each record or document. The tasks of `ada` are completed
/// with a webhook and a key, failed, completed with a concept that was deleted, and
/// processing with a receipt and a webhook; the one of `bob` is pending with both.
const STORED: &str = include_str!("stored_by_0_1.txt");

/// When it was written.
const THEN: u64 = 1_795_176_007_000_000;

fn upgraded() {
    fresh();
    NOW.set(THEN);
    // Not the names that were drawn already.
    RANDOM.set(9);
    stored(|stored| {
        let lines = STORED.lines().filter_map(|line| line.split_once(' '));
        stored.extend(lines.map(|(key, value)| (key.to_owned(), value.into())));
    });
}

fn document(key: &str) -> Value {
    stored(|stored| serde_json::from_slice(&stored[key]).unwrap())
}

fn task(user: &str, number: u64) -> Task {
    alone(store().get(user, &id(number))).unwrap().unwrap()
}

fn expected(user: &str, number: u64, created_at: u64) -> Task {
    let path = format!("uploads/{}/a.png", tag_of(user));
    let mut new = new_task(user, number);
    new.refinement.theme_description = Some("Fruit".into());
    new.original_path = number.is_multiple_of(2).then_some(path);
    new.created(Timestamp(created_at))
}

/// The tasks as 0.1 told them, and the notes.
fn all() -> [Task; 5] {
    let at = |second: u64| Timestamp(1_795_176_000_000_000 + second * 1_000_000);
    let completed = |number, created_at, ended_at| Task {
        status: Status::Completed,
        updated_at: Some(ended_at),
        completed_at: Some(ended_at),
        result_id: Some(id_for(&id(number))),
        ..expected("ada", number, created_at)
    };
    [
        Task {
            image_path: Some("refined/1".into()),
            notes: vec!["A note.".into()],
            ..completed(1, at(0).0, at(2))
        },
        Task {
            status: Status::Failed,
            updated_at: Some(at(4)),
            completed_at: Some(at(4)),
            error_message: Some("It failed.".into()),
            ..expected("ada", 2, at(3).0)
        },
        completed(3, at(5).0, at(5)),
        Task {
            status: Status::Processing,
            updated_at: Some(at(6)),
            lease_until: Some(at(36)),
            ..expected("ada", 4, at(6).0)
        },
        expected("bob", 5, at(6).0),
    ]
}

#[test]
fn it_is_read_as_it_was_and_stays_until_it_changes() {
    upgraded();
    let before = stored(|stored| stored.clone());
    let mut all = all().to_vec();
    for expected in &all {
        let id = expected.id.clone();
        let read = alone(store().get(&expected.user_id, &id)).unwrap();
        assert_eq!(read.as_ref(), Some(expected));
    }
    let pending = all.pop().unwrap();
    let list = |user| alone(store().list(user, None, 9, None)).unwrap().items;
    all.reverse();
    assert_eq!(list("ada"), all);
    assert_eq!(list("bob"), [pending]);
    let concepts = alone(store().concepts("ada", 9, None)).unwrap().items;
    assert_eq!(concepts.len(), 1);
    let concept = alone(store().concept("ada", &id_for(&id(1))))
        .unwrap()
        .unwrap();
    assert_eq!(concepts, std::slice::from_ref(&concept));
    assert_eq!(concept.content.notes, ["A note."]);
    assert_eq!(concept.content.refinement_prompt, "Make it lighter");
    let image = "uploads/81b637d8fcd2c6da6359e6963113a117/a.png";
    let image = alone(store().stat_image(image)).unwrap().unwrap();
    assert_eq!((image.owner.as_str(), image.size), ("bob", 5));
    assert_eq!(alone(store().used("ada", Window::Month)).unwrap(), 3);
    assert!(stored(|stored| *stored == before));
}

#[test]
fn a_task_that_was_pending_goes_through() {
    upgraded();
    let repeat = |webhook: Option<Webhook>| {
        let mut task = new_task("bob", 9);
        task.idempotency_key = Some("key 5".into());
        task.refinement.theme_description = Some("Fruit".into());
        task.webhook = webhook;
        alone(store().submit(task)).unwrap()
    };
    let webhook = Webhook {
        url: "https://receiver.example/hook".into(),
        origin: "http://localhost".into(),
    };
    let replayed = |submission| match submission {
        Submission::Replayed(accepted) => accepted.task.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(replayed(repeat(Some(webhook.clone()))), id(5));
    assert_eq!(repeat(None), Submission::KeyReused);
    let lease = alone(store().claim(&id(5), None)).unwrap().unwrap().lease;
    let record = document(&names::user("bob"));
    assert_eq!((&record["v"], &record["version"]), (&json!(1), &json!(4)));
    assert_eq!(record.get("active"), None);
    assert_eq!(lease.attempt, 1);
    let finished = alone(store().finish(&lease, image(&lease).into())).unwrap();
    assert_eq!(finished, Finished::Done);
    assert_eq!(task("bob", 5).status, Status::Completed);
    let due = alone(store().begin_delivery(&id(5))).unwrap().unwrap();
    assert_eq!(due.webhook, webhook);
    assert_eq!(replayed(repeat(Some(webhook))), id(5));
    let uploads = alone(store().delete_uploads("bob", 9)).unwrap();
    assert!(!uploads);
    assert!(!alone(store().has_uploads("bob")).unwrap());
}

#[test]
fn a_task_that_was_processing_goes_on() {
    upgraded();
    let lease = Lease {
        task_id: id(4),
        attempt: 1,
        until: Timestamp(0),
        renew_after: 0,
    };
    let mut watch = alone(store().watch("ada", &id(4))).unwrap().unwrap();
    let changes = [0, 1].map(|_| alone(store().poll(&mut watch)).unwrap());
    let stage = concept_refinement_domain::task::Change::Progress(Stage::Refining);
    assert_eq!(changes[1], Some(stage));
    assert_eq!(alone(store().claim(&id(4), None)).unwrap(), None);
    let renewed = alone(store().renew(&lease)).unwrap().unwrap();
    assert_eq!(renewed.until, Timestamp(THEN + 30_000_000));
    let stale = Lease {
        attempt: 2,
        ..lease.clone()
    };
    assert_eq!(alone(store().renew(&stale)).unwrap(), None);
    let receipts = begun(&format!("{}/fast", receipt_key(&lease))).unwrap();
    assert_eq!(receipts.1.as_deref(), Some(&b"work"[..]));
    let submitted = alone(store().submit(new_task("ada", 9))).unwrap();
    assert!(matches!(submitted, Submission::Active(active) if active.task == task("ada", 4)));

    NOW.set(NOW.get() + 60_000_000);
    let takeover = alone(store().claim(&id(4), None)).unwrap().unwrap();
    assert!(takeover.is_takeover);
    assert_eq!((takeover.lease.attempt, takeover.payment.calls), (2, 1));
    let failed = alone(store().fail(&takeover.lease, &TaskFailure::new("It failed."))).unwrap();
    assert_eq!(failed, Fenced::Done);
    assert_eq!(task("ada", 4).status, Status::Failed);
    assert!(alone(store().begin_delivery(&id(4))).unwrap().is_some());
}

#[test]
fn what_had_ended_changes_as_ever() {
    upgraded();
    let first = alone(store().begin_delivery(&id(1))).unwrap();
    assert_eq!(first, None, "it waits for its next attempt");
    NOW.set(NOW.get() + 1_000_000);
    let due = alone(store().begin_delivery(&id(1))).unwrap().unwrap();
    let recorded = alone(store().record_attempt(&due.lease, answered(204)));
    assert_eq!(recorded.unwrap(), Fenced::Done);
    let delivery = delivery(&id(1)).unwrap();
    assert_eq!(
        (delivery.attempts.len(), delivery.state),
        (2, DeliveryState::Delivered)
    );

    let concept = id_for(&id(1));
    let path = alone(store().delete_concept("ada", &concept)).unwrap();
    assert_eq!(path.as_deref(), Some("refined/1"));
    let [mut completed, failed, uncovered, processing, _] = all();
    completed.image_path = None;
    assert_eq!(task("ada", 1), completed);
    for expected in [failed, uncovered, processing] {
        assert!(alone(store().delete("ada", &expected.id)).unwrap());
    }
    let left = alone(store().list("ada", None, 9, None)).unwrap().items;
    assert_eq!(left, [completed]);
    while alone(store().erase_user("ada", 9)).unwrap().has_more {}
    let of_bob = ["bob", &tag_of("bob"), "chunk/"];
    let mut expected: Vec<_> = STORED
        .lines()
        .filter(|line| of_bob.iter().any(|part| line.contains(part)))
        .filter_map(|line| line.split_once(' '))
        .map(|(key, _)| key.to_owned())
        .collect();
    expected.push(names::user("ada"));
    assert_eq!(keys(), expected);
}

/// A segment had the names of entries in the order in which they ended, and the record the
/// names of segments.
#[test]
fn segments_and_keys_outside_of_the_record_are_found() {
    fresh();
    NOW.set(THEN);
    let entry = |number: u64| {
        format!(
            r#"{{"task_id":"{}","created_at":{number},"task_is_deleted":false,"end":{{"status":"completed","at":{number},"document":"name","has_concept":true}}}}"#,
            id(number)
        )
    };
    let entries = |numbers: std::ops::Range<u64>| {
        let entries: Vec<_> = numbers.map(entry).collect();
        format!("[{}]", entries.join(","))
    };
    let hash = crate::user_record::keys::hash("key");
    let fingerprint =
        concept_refinement_domain::idempotency::fingerprint(&new_task("ada", 1).refinement, None);
    let fingerprint = concept_refinement_domain::hex::hex(&fingerprint);
    let documents = (1..100).flat_map(|number| {
        let (id, number) = (id(number), number - 1);
        [
            (
                names::task(&id).unwrap(),
                format!(r#"{{"user_id":"ada","number":{number},"is_anonymous":false,"refinement":{{"original_image_url":"https://example.com/a.png","refinement_prompt":"Make it lighter","logo_description":null,"theme_description":null}},"original_path":null}}"#),
            ),
            (
                names::end(&id, "name"),
                format!(r#"{{"concept":{{"task_id":"{id}","user_id":"ada","is_anonymous":false,"image_path":"refined/1","image_url":"/api/images/refined","original_image_url":"https://example.com/a.png","refinement_prompt":"Make it lighter","logo_description":null,"theme_description":null,"color_palettes":[],"notes":[]}}}}"#),
            ),
            (
                names::concept(&id_for(&id)).unwrap(),
                format!(r#"{{"task_id":"{id}","user_id":"ada","number":{number}}}"#),
            ),
        ]
    });
    let records = [
        (
            names::user("ada"),
            format!(
                r#"{{"version":7,"usage":[],"active":null,"keys":[],"keys_moved_until":{},"segments":["one","two"],"entries":{},"uploads":[]}}"#,
                THEN + 9,
                entries(65..100)
            ),
        ),
        (
            names::segment("ada", "one"),
            format!(r#"{{"version":1,"entries":{}}}"#, entries(1..33)),
        ),
        (
            names::segment("ada", "two"),
            format!(r#"{{"version":3,"entries":{}}}"#, entries(33..65)),
        ),
        (
            names::key("ada", &hash),
            format!(
                r#"{{"hash":"{hash}","fingerprint":"{fingerprint}","task_id":"{}","is_anonymous":false,"original_path":null,"created_at":{}}}"#,
                id(1),
                THEN - 1
            ),
        ),
    ];
    let all = documents.chain(records);
    stored(|stored| stored.extend(all.map(|(key, value)| (key, value.into_bytes()))));

    let repeat = NewTask {
        idempotency_key: Some("key".into()),
        ..new_task("ada", 200)
    };
    let replayed = alone(store().submit(repeat)).unwrap();
    assert!(matches!(replayed, Submission::Replayed(first) if first.task.id == id(1)));
    let concepts = || {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = alone(store().concepts("ada", 7, after)).unwrap();
            all.extend(
                page.items
                    .into_iter()
                    .map(|concept| concept.content.task_id),
            );
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    };
    let mut expected: Vec<_> = (1..100).rev().map(id).collect();
    assert_eq!(concepts(), expected);
    assert!(
        alone(store().delete_concept("ada", &id_for(&id(1))))
            .unwrap()
            .is_some()
    );
    assert!(alone(store().delete("ada", &id(40))).unwrap());
    expected.pop();
    for number in 100..140 {
        alone(store().submit(new_task("ada", number))).unwrap();
        alone(work(id(number), false, Shown::default()));
        expected.insert(0, id(number));
    }
    assert_eq!(concepts(), expected);
    for (name, v, version) in [("one", Some(1), 2), ("two", Some(1), 4)] {
        let segment = document(&names::segment("ada", name));
        assert_eq!(segment["v"].as_u64(), v);
        assert_eq!(segment["version"], json!(version));
    }
}

#[test]
fn what_is_damaged_is_refused_as_ever() {
    for damage in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"v":1}"#,
        r#"{"v":"x"}"#,
        "\u{0}",
    ] {
        upgraded();
        stored(|stored| stored.insert(names::user("ada"), damage.into()));
        let read = alone(store().get("ada", &id(1)));
        assert!(matches!(read, Err(Fault::Invalid(_))), "{damage}");
        let submitted = alone(store().submit(new_task("ada", 9)));
        assert!(matches!(submitted, Err(Fault::Invalid(_))), "{damage}");
    }
}
