use concept_refinement_domain::image_limits::{ImageLimit, ImageLimits};
use std::time::Duration;

use concept_refinement_domain::capability::{ImageKind, Lease, NewTask, Stored, TaskFailure};
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::rulebook::{self, Claim, Decision, TaskRecord};
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::entries::{SEGMENT, Segment};
use super::keys::{Key, hash};
use super::submit::{Created, RecordedAccount};
use super::{Outcome, UserRecord};
use crate::documents::TaskDocument;

/// 2026-11-20T12:00:00Z
const NOW: Timestamp = Timestamp(1_795_176_000_000_000);
const LEASE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn id(number: usize) -> String {
    format!("0190c0de-0000-7000-8000-{number:012}")
}

fn task(number: usize) -> NewTask {
    NewTask {
        active_tasks: 9,
        ..NewTask::new(
            id(number),
            "ada",
            Refinement::new("https://example.com/a.png", "Make it lighter"),
        )
    }
}

fn changed<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Changed(answer) => answer,
        Outcome::Unchanged(answer) => panic!("nothing was changed: {answer:?}"),
    }
}

fn unchanged<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Unchanged(answer) => answer,
        Outcome::Changed(answer) => panic!("it was changed: {answer:?}"),
    }
}

fn created(
    user_record: &mut UserRecord,
    number: usize,
    key: Option<&str>,
    now: Timestamp,
) -> Created {
    created_at(user_record, number, key, now).0
}

fn created_at(
    user_record: &mut UserRecord,
    number: usize,
    key: Option<&str>,
    now: Timestamp,
) -> (Created, Timestamp) {
    let new = NewTask {
        idempotency_key: key.map(ToOwned::to_owned),
        ..task(number)
    };
    let account = RecordedAccount {
        user_record,
        submitted: None,
        active: None,
        is_taken: false,
    };
    let creation = rulebook::submit(&account, new, now).unwrap().effects;
    let creation = creation.unwrap();
    let created_at = creation.record.task.created_at;
    let name = || format!("segment of {number}");
    (user_record.create(creation, name, now), created_at)
}

fn document(number: usize) -> TaskDocument {
    let record = TaskRecord::new(task(number).created(NOW), None);
    TaskDocument::new(&record, number)
}

fn apply<T>(
    user_record: &mut UserRecord,
    number: usize,
    rule: impl FnOnce(&mut TaskRecord) -> Decision<T>,
) -> T {
    let found = user_record.record(&id(number), &document(number)).unwrap();
    let mut record = found.unwrap();
    let Decision { answer, effects } = rule(&mut record);
    user_record.save(record, &effects.unwrap(), "why");
    answer
}

fn claimed(user_record: &mut UserRecord, number: usize, now: Timestamp) -> Lease {
    let claim = |record: &mut TaskRecord| rulebook::claim(record, None, LEASE, now);
    match apply(user_record, number, claim) {
        Claim::Claimed(claimed) => claimed.lease,
        other => panic!("not claimed: {other:?}"),
    }
}

fn image() -> Stored {
    Stored {
        path: "refined/a".into(),
        url: "/api/images/refined/a".into(),
        sha256: None,
    }
}

fn completed(user_record: &mut UserRecord, number: usize, now: Timestamp) {
    let lease = claimed(user_record, number, now);
    let _ = apply(user_record, number, |record| {
        rulebook::finish(record, &lease, image().into(), now)
    });
}

#[test]
fn a_saved_task_is_loaded_as_it_was() {
    let mut user_record = UserRecord::default();
    created(&mut user_record, 1, None, NOW);
    let lease = claimed(&mut user_record, 1, NOW);
    let mut expected = TaskRecord::new(task(1).created(NOW), None);
    let _ = rulebook::claim(&mut expected, None, LEASE, NOW);
    expected.revision = 0;
    let load = |user_record: &UserRecord, number| {
        let loaded = user_record.record(&id(number), &document(1));
        loaded.unwrap()
    };
    assert_eq!(load(&user_record, 1), Some(expected));
    assert_eq!(load(&user_record, 2), None);
    let _ = apply(&mut user_record, 1, |record| {
        rulebook::fail(record, &lease, &TaskFailure::new("It failed."), NOW)
    });
    assert_eq!(load(&user_record, 1), None, "it is final");
}

/// What an earlier version wrote.
#[test]
fn an_older_record_is_read() {
    let record = r#"{"version":3,"usage":[{"window":"hour","starts_at":0,"ends_at":3600000000,
        "used":2}],"active":{"status":"processing","attempt":1,"deaths":0,"updated_at":5,
        "lease_until":9,"checkpoint":null,"prepared":"name"},"keys":[{"hash":"ab",
        "fingerprint":"cd","task_id":"a","is_anonymous":false,"original_path":null,
        "created_at":4}],"keys_moved_until":null,"segments":["name"],"entries":[{"task_id":"a",
        "created_at":4,"task_is_deleted":false,"end":null}],"uploads":[]}"#;
    let user_record = UserRecord::decode(Some(record.as_bytes())).unwrap();
    let written: Value = serde_json::from_slice(&user_record.encode()).unwrap();
    let mut expected: Value = serde_json::from_str(record).unwrap();
    let old = expected.as_object_mut().unwrap();
    for gone in ["active", "entries"] {
        old.remove(gone);
    }
    expected["v"] = json!(1);
    expected["version"] = json!(4);
    expected["segments"] = json!([{ "name": "name" }]);
    expected["tasks"] = json!([{
        "task_id": "a",
        "created_at": 4,
        "task_is_deleted": false,
        "active": {
            "status": "processing",
            "updated_at": 5,
            "lease_until": 9,
            "state": { "v": 1, "attempt": 1, "deaths": 0 },
        },
        "end": null,
    }]);
    assert_eq!(written, expected);
}

#[test]
fn a_record_stays_small_and_each_entry_keeps_its_number() {
    let mut user_record = UserRecord::default();
    let mut segments = std::collections::HashMap::new();
    for number in 0..SEGMENT * 5 + 7 {
        let made = created(&mut user_record, number, None, NOW);
        assert_eq!(made.document.number, number);
        if let Some((name, segment)) = made.moved_entries {
            let record = segment.encode();
            assert!(segments.insert(name, record).is_none(), "a name came twice");
        }
        completed(&mut user_record, number, NOW);
    }
    let record = user_record.clone().encode();
    assert!(record.len() < 32 << 10, "{} bytes", record.len());
    for number in 0..SEGMENT * 5 + 7 {
        let found = match user_record.segment_of(number) {
            Some((name, index)) => {
                let segment = Segment::decode(segments.get(name).map(Vec::as_slice)).unwrap();
                segment.entries[index].task_id.clone()
            }
            None => user_record.entry(number).unwrap().task_id.clone(),
        };
        assert_eq!(found, id(number));
    }
    let beyond = SEGMENT * 5 + 7;
    assert_eq!(user_record.segment_of(beyond), None);
    assert_eq!(user_record.entry(beyond), None);
}

#[test]
fn a_key_is_found_wherever_it_is_until_it_is_forgotten() {
    let mut user_record = UserRecord::default();
    let mut documents = std::collections::HashMap::<String, Key>::new();
    let key = |number: usize| format!("key {number}");
    let at = |number: usize| NOW.plus(Duration::from_micros(number as u64));
    for number in 0..200 {
        let made = created(&mut user_record, number, Some(&key(number)), at(number));
        documents.extend(
            made.moved_keys
                .into_iter()
                .map(|key| (key.hash.clone(), key)),
        );
        completed(&mut user_record, number, at(number));
    }
    assert!(!documents.is_empty(), "no key has moved");
    let replay = |user_record: &UserRecord, number: usize, now: Timestamp| {
        let hash = hash(&key(number));
        let moved = user_record
            .may_have_moved(&hash, now)
            .then(|| documents.get(&hash).cloned())
            .flatten();
        let submitted = user_record.submitted(&hash, moved)?;
        submitted.is_remembered(now).then_some(submitted.task_id)
    };
    for number in 0..200 {
        assert_eq!(replay(&user_record, number, at(200)), Some(id(number)));
        let forgotten = at(number).plus(DAY);
        let almost = Timestamp(forgotten.0 - 1);
        assert_eq!(replay(&user_record, number, almost), Some(id(number)));
        assert_eq!(replay(&user_record, number, forgotten), None);
    }
}

/// As records and documents that are stored have it.
#[test]
fn what_was_submitted_under_a_key_is_stored_beside_it() {
    let submitted = Submitted {
        fingerprint: "f".into(),
        task_id: id(1),
        is_anonymous: true,
        original_path: None,
        created_at: NOW,
    };
    let hash = "h".into();
    let stored = "{\"hash\":\"h\",\"fingerprint\":\"f\",\
        \"task_id\":\"0190c0de-0000-7000-8000-000000000001\",\"is_anonymous\":true,\
        \"original_path\":null,\"created_at\":1795176000000000}";
    let key = Key::new(hash, submitted);
    assert_eq!(serde_json::to_string(&key).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Key>(stored).unwrap(), key);
}

#[test]
fn the_list_is_in_order_whatever_the_clock_does() {
    let mut user_record = UserRecord::default();
    created(&mut user_record, 1, None, NOW);
    completed(&mut user_record, 1, NOW);
    let set_back = Timestamp(NOW.0 - 1_000_000);
    let next = Timestamp(NOW.0 + 1);
    assert_eq!(created_at(&mut user_record, 2, None, set_back).1, next);
    completed(&mut user_record, 2, set_back);
    for number in [3, 4] {
        created(&mut user_record, number, None, set_back);
    }
    for number in [4, 3] {
        completed(&mut user_record, number, set_back);
    }
    let ends = user_record.newest().map(|entry| entry.end.as_ref());
    let ends: Vec<_> = ends.map(|end| end.unwrap().at.0 - NOW.0).collect();
    assert_eq!(ends, [2, 3, 1, 0]);
}

fn upload(file: &str) -> ImagePath {
    let tag = "0".repeat(32);
    ImagePath::parse(&format!("uploads/{tag}/{file}")).unwrap()
}

/// So many images, which may take a hundred bytes, two of them under way.
fn limits(images: u32) -> Option<ImageLimits> {
    Some(ImageLimits {
        images,
        bytes: 100,
        under_way: 2,
    })
}

#[test]
fn slots_are_counted_by_kind_and_name() {
    let mut user_record = UserRecord::default();
    let three = limits(3);
    let reserved = |user_record: &mut UserRecord, path: &ImagePath, limits| {
        let reserved = changed(user_record.reserve_slot(path, limits, 10, NOW));
        assert_eq!(reserved, Ok(()), "{path:?}");
    };
    for path in [upload("a.png"), upload("b.png")] {
        reserved(&mut user_record, &path, limits(2));
    }
    let refused = |user_record: &UserRecord, limits| {
        let mut user_record = user_record.clone();
        let refused = user_record.reserve_slot(&upload("c.png"), limits, 10, NOW);
        unchanged(refused).unwrap_err()
    };
    assert_eq!(refused(&user_record, limits(2)), ImageLimit::Images);
    assert_eq!(refused(&user_record, three), ImageLimit::UnderWay);
    reserved(&mut user_record, &upload("a.gif"), three);
    let refined = ImagePath {
        kind: ImageKind::Refined,
        ..upload("c.png")
    };
    reserved(&mut user_record, &refined, limits(1));
    assert!(changed(user_record.release_slot(&upload("a.png"))));
    assert!(!unchanged(user_record.release_slot(&upload("a.gif"))));
    assert!(changed(user_record.settle_slot(&upload("b.png"), 91)));
    assert!(!unchanged(user_record.settle_slot(&upload("b.png"), 91)));
    assert!(!unchanged(user_record.settle_slot(&upload("d.png"), 1)));
    assert_eq!(refused(&user_record, three), ImageLimit::Bytes);
    assert!(changed(user_record.settle_slot(&upload("b.png"), 90)));
    reserved(&mut user_record, &upload("c.png"), three);
}

/// What a crash left is under way for an hour, and counted until it is known
/// whether there is an image.
#[test]
fn a_slot_that_is_not_settled_expires() {
    let mut user_record = UserRecord::default();
    for path in [upload("a.png"), upload("b.png")] {
        changed(user_record.reserve_slot(&path, limits(9), 40, NOW)).unwrap();
    }
    let hour = NOW.plus(Duration::from_secs(60 * 60));
    let at = |now, longest| {
        let outcome = user_record
            .clone()
            .reserve_slot(&upload("c.png"), limits(9), longest, now);
        match outcome {
            Outcome::Changed(outcome) | Outcome::Unchanged(outcome) => outcome,
        }
    };
    assert_eq!(user_record.expired_slots(before(hour)), []);
    assert_eq!(at(before(hour), 20), Err(ImageLimit::UnderWay));
    assert_eq!(
        user_record.expired_slots(hour),
        [upload("a.png"), upload("b.png")]
    );
    assert_eq!(at(hour, 20), Ok(()));
    assert_eq!(at(hour, 21), Err(ImageLimit::Bytes));
}

fn before(time: Timestamp) -> Timestamp {
    Timestamp(time.0 - 1)
}

#[test]
fn no_two_records_are_equal() {
    let mut user_record = UserRecord::default();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let record = user_record.encode();
        user_record = UserRecord::decode(Some(&record)).unwrap();
        assert!(seen.insert(record));
    }
    assert!(UserRecord::decode(Some(b"{")).is_err());
    assert_eq!(UserRecord::decode(None).unwrap(), UserRecord::default());
}
