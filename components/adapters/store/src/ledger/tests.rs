use std::time::Duration;

use concept_refinement_domain::capability::{Deleted, Fenced, ImageKind, Lease, NewTask};
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::quota::{Quota, Window};
use concept_refinement_domain::task::{Refinement, Status};
use concept_refinement_domain::timestamp::Timestamp;

use super::entries::{Place, SEGMENT, Segment};
use super::keys::{Key, hash};
use super::leases::Claim;
use super::submit::{Created, Judgement};
use super::{Ledger, Outcome};

/// 2026-11-20T12:00:00Z
const NOW: Timestamp = Timestamp(1_795_176_000_000_000);
const LEASE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn id(number: usize) -> String {
    format!("0190c0de-0000-7000-8000-{number:012}")
}

fn task(number: usize) -> NewTask {
    NewTask {
        id: id(number),
        user_id: "ada".into(),
        is_anonymous: false,
        refinement: Refinement {
            original_image_url: "https://example.com/a.png".into(),
            refinement_prompt: "Make it lighter".into(),
            logo_description: None,
            theme_description: None,
        },
        original_path: None,
        original_found: true,
        idempotency_key: None,
        quota: None,
    }
}

fn with_key(number: usize, key: &str) -> NewTask {
    NewTask {
        idempotency_key: Some(key.into()),
        ..task(number)
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

fn judged(ledger: &mut Ledger, task: &NewTask, now: Timestamp) -> Outcome<Judgement> {
    ledger.submit(task, None, || format!("segment of {}", task.id), now)
}

fn created(ledger: &mut Ledger, task: &NewTask, now: Timestamp) -> Created {
    match changed(judged(ledger, task, now)) {
        Judgement::Created(created) => created,
        other => panic!("not created: {other:?}"),
    }
}

fn claimed(ledger: &mut Ledger, id: &str, now: Timestamp) -> Lease {
    match changed(ledger.claim(id, "unused", LEASE, now)) {
        Claim::Taken(lease) => lease,
        other => panic!("not taken: {other:?}"),
    }
}

fn completed(ledger: &mut Ledger, number: usize, now: Timestamp) {
    let lease = claimed(ledger, &id(number), now);
    let _ = changed(ledger.prepare(&lease, "concept"));
    assert_eq!(changed(ledger.complete(&lease, now).unwrap()), Fenced::Done);
}

#[test]
fn a_submission_is_judged_in_the_order_of_the_contract() {
    let quota = Some(Quota {
        limit: 2,
        window: Window::Day,
    });
    let mut ledger = Ledger::default();
    let first = NewTask {
        quota,
        ..with_key(1, "key")
    };
    created(&mut ledger, &first, NOW);

    let other_prompt = |mut task: NewTask| {
        task.refinement.refinement_prompt = "Make it darker".into();
        task
    };
    let unfound = |task: NewTask| NewTask {
        original_found: false,
        ..task
    };
    for (name, task, expected) in [
        (
            "another refinement under its key",
            other_prompt(unfound(with_key(2, "key"))),
            "KeyReused",
        ),
        ("a repeat", unfound(with_key(2, "key")), "Replayed"),
        ("no original", unfound(task(2)), "OriginalMissing"),
        ("a second task", task(2), "Active"),
    ] {
        let judgement = unchanged(judged(&mut ledger, &task, NOW));
        let judgement = format!("{judgement:?}");
        assert!(judgement.starts_with(expected), "{name}: {judgement}");
    }

    completed(&mut ledger, 1, NOW);
    let second = NewTask { quota, ..task(2) };
    created(&mut ledger, &second, NOW);
    completed(&mut ledger, 2, NOW);
    let third = NewTask { quota, ..task(3) };
    let refused = unchanged(judged(&mut ledger, &third, NOW));
    assert!(matches!(refused, Judgement::QuotaExceeded(state) if state.remaining == 0));
    created(&mut ledger, &third, NOW.plus(DAY));
}

#[test]
fn a_withdrawn_task_cost_nothing() {
    let quota = Some(Quota {
        limit: 1,
        window: Window::Month,
    });
    let mut ledger = Ledger::default();
    for number in 1..4 {
        let task = NewTask {
            quota,
            ..with_key(number, "key")
        };
        created(&mut ledger, &task, NOW);
        assert_eq!(
            changed(ledger.withdraw(&id(number), "why", NOW)),
            Fenced::Done
        );
        assert_eq!(
            unchanged(ledger.withdraw(&id(number), "why", NOW)),
            Fenced::Lost
        );
    }
    created(&mut ledger, &task(9), NOW);
    claimed(&mut ledger, &id(9), NOW);
    assert_eq!(unchanged(ledger.withdraw(&id(9), "why", NOW)), Fenced::Lost);
}

#[test]
fn who_lost_the_lease_changes_nothing() {
    let mut ledger = Ledger::default();
    created(&mut ledger, &task(1), NOW);
    let stale = claimed(&mut ledger, &id(1), NOW);
    assert_eq!(
        unchanged(ledger.claim(&id(1), "unused", LEASE, NOW)),
        Claim::Refused
    );
    let later = NOW.plus(LEASE);
    let lease = claimed(&mut ledger, &id(1), later);
    assert_eq!(lease.attempt, stale.attempt + 1);

    let before = ledger.clone();
    assert_eq!(unchanged(ledger.renew(&stale, LEASE, later)), None);
    assert_eq!(unchanged(ledger.checkpoint(&stale, "path")), Fenced::Lost);
    assert_eq!(unchanged(ledger.prepare(&stale, "concept")), None);
    assert_eq!(
        unchanged(ledger.complete(&stale, later).unwrap()),
        Fenced::Lost
    );
    assert_eq!(unchanged(ledger.fail(&stale, "why", later)), Fenced::Lost);
    assert_eq!(unchanged(ledger.release(&stale, later)), Fenced::Lost);
    assert_eq!(ledger, before);

    assert!(ledger.complete(&lease, later).is_err(), "nothing prepared");
    let _ = changed(ledger.prepare(&lease, "concept"));
    assert_eq!(
        changed(ledger.complete(&lease, later).unwrap()),
        Fenced::Done
    );
    assert_eq!(unchanged(ledger.fail(&lease, "why", later)), Fenced::Lost);
}

#[test]
fn the_third_death_fails_the_task() {
    let mut ledger = Ledger::default();
    created(&mut ledger, &task(1), NOW);
    let mut now = NOW;
    for _ in 0..3 {
        claimed(&mut ledger, &id(1), now);
        now = now.plus(LEASE);
    }
    assert_eq!(
        changed(ledger.claim(&id(1), "why", LEASE, now)),
        Claim::GivenUp
    );
    assert!(ledger.active().is_none());
    let end = ledger.entry(0).and_then(|entry| entry.end.clone()).unwrap();
    assert_eq!((end.status, end.document.as_str()), (Status::Failed, "why"));
}

#[test]
fn a_failed_task_hands_its_image_over_when_it_is_deleted() {
    let mut ledger = Ledger::default();
    created(&mut ledger, &task(1), NOW);
    let lease = claimed(&mut ledger, &id(1), NOW);
    let _ = changed(ledger.checkpoint(&lease, "refined/a"));
    let _ = changed(ledger.fail(&lease, "why", NOW));
    assert_eq!(
        changed(ledger.delete_task(0, &id(1))),
        Some(Deleted {
            unpublished_image: Some("refined/a".into())
        })
    );
    assert_eq!(unchanged(ledger.delete_task(0, &id(1))), None);
}

#[test]
fn a_record_stays_small_and_each_entry_keeps_its_number() {
    let mut ledger = Ledger::default();
    let mut segments = std::collections::HashMap::new();
    for number in 0..SEGMENT * 5 + 7 {
        let made = created(&mut ledger, &task(number), NOW);
        assert_eq!(made.number, number);
        if let Some((name, segment)) = made.moved_entries {
            let record = segment.encode().unwrap();
            assert!(segments.insert(name, record).is_none(), "a name came twice");
        }
        completed(&mut ledger, number, NOW);
    }
    let record = ledger.clone().encode().unwrap();
    assert!(record.len() < 32 << 10, "{} bytes", record.len());
    for number in 0..SEGMENT * 5 + 7 {
        let found = match ledger.place(number).unwrap() {
            Place::Record(index) => ledger.entry(index).unwrap().task_id.clone(),
            Place::Segment(name, index) => {
                let segment = Segment::decode(segments.get(name).map(Vec::as_slice)).unwrap();
                segment.entries[index].task_id.clone()
            }
        };
        assert_eq!(found, id(number));
    }
    assert_eq!(ledger.place(SEGMENT * 5 + 7), None);
}

#[test]
fn a_key_is_found_wherever_it_is_until_it_is_forgotten() {
    let mut ledger = Ledger::default();
    let mut documents = std::collections::HashMap::<String, Key>::new();
    let key = |number: usize| format!("key {number}");
    let at = |number: usize| NOW.plus(Duration::from_micros(number as u64));
    for number in 0..200 {
        let made = created(&mut ledger, &with_key(number, &key(number)), at(number));
        documents.extend(
            made.moved_keys
                .into_iter()
                .map(|key| (key.hash.clone(), key)),
        );
        completed(&mut ledger, number, at(number));
    }
    assert!(!documents.is_empty(), "no key has moved");
    let replay = |ledger: &Ledger, number: usize, now: Timestamp| {
        let hash = hash(&key(number));
        let moved = ledger
            .may_have_moved(&hash, now)
            .then(|| documents.get(&hash))
            .flatten();
        let task = with_key(1000, &key(number));
        match ledger.clone().submit(&task, moved, String::new, now) {
            Outcome::Unchanged(Judgement::Replayed(key)) => Some(key.task_id),
            _ => None,
        }
    };
    for number in 0..200 {
        assert_eq!(replay(&ledger, number, at(200)), Some(id(number)));
        let forgotten = at(number).plus(DAY);
        let almost = Timestamp(forgotten.0 - 1);
        assert_eq!(replay(&ledger, number, almost), Some(id(number)));
        assert_eq!(replay(&ledger, number, forgotten), None);
    }
}

#[test]
fn the_list_is_in_order_whatever_the_clock_does() {
    let mut ledger = Ledger::default();
    created(&mut ledger, &task(1), NOW);
    completed(&mut ledger, 1, NOW);
    let set_back = Timestamp(NOW.0 - 1_000_000);
    let next = Timestamp(NOW.0 + 1);
    assert_eq!(created(&mut ledger, &task(2), set_back).at, next);
    completed(&mut ledger, 2, set_back);
    let end = ledger.newest().next().unwrap().end.as_ref();
    assert_eq!(end.unwrap().at, next);
}

fn upload(file: &str) -> ImagePath {
    let tag = "0".repeat(32);
    ImagePath::parse(&format!("uploads/{tag}/{file}")).unwrap()
}

#[test]
fn places_are_counted_by_kind_and_name() {
    let mut ledger = Ledger::default();
    assert!(changed(ledger.take_place(&upload("a.png"), 2, NOW)));
    assert!(changed(ledger.take_place(&upload("b.png"), 2, NOW)));
    assert!(!unchanged(ledger.clone().take_place(
        &upload("c.png"),
        2,
        NOW
    )));
    assert!(changed(ledger.take_place(&upload("a.gif"), 2, NOW)));
    assert!(!unchanged(ledger.clone().take_place(
        &upload("c.png"),
        2,
        NOW
    )));
    let refined = ImagePath {
        kind: ImageKind::Refined,
        ..upload("c.png")
    };
    assert!(changed(ledger.take_place(&refined, 1, NOW)));
    changed(ledger.give_place_back(&upload("a.png")));
    unchanged(ledger.give_place_back(&upload("a.gif")));
    assert!(changed(ledger.take_place(&upload("c.png"), 2, NOW)));
    let hour = Duration::from_secs(60 * 60);
    assert_eq!(ledger.old_places(NOW), []);
    let expected = [upload("b.png"), refined, upload("c.png")];
    assert_eq!(ledger.old_places(NOW.plus(hour)), expected);
}

#[test]
fn no_two_records_are_equal() {
    let mut ledger = Ledger::default();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let record = ledger.encode().unwrap();
        ledger = Ledger::decode(Some(&record)).unwrap();
        assert!(seen.insert(record));
    }
    assert!(Ledger::decode(Some(b"{")).is_err());
    assert_eq!(Ledger::decode(None).unwrap(), Ledger::default());
}
