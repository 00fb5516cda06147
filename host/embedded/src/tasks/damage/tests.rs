use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::tasks::{Maintenance as _, Tasks};
use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_kit::samples::new_task;

use super::*;
use crate::tasks::{FILE, Options, SqliteTasks};

const PAGE: usize = 4096;
const USERS: usize = 40;

fn open(place: &Path) -> Result<SqliteTasks, OpenError> {
    SqliteTasks::open(place, Options::default(), Arc::<ManualClock>::default())
}

fn task_of(user: usize) -> NewTask {
    let mut task = NewTask {
        id: format!("task-{user}"),
        idempotency_key: Some(format!("key-{user}")),
        ..new_task(&format!("user-{user}"))
    };
    task.refinement.refinement_prompt = "Make it lighter. ".repeat(100);
    task
}

/// A closed database of several pages.
async fn filled() -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path()).unwrap();
    for user in 0..USERS {
        store.submit(task_of(user)).await.unwrap();
    }
    drop(store);
    fs::read(place.path().join(FILE)).unwrap()
}

fn garble(bytes: &mut [u8]) {
    let mut state = 1_u32;
    for byte in bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
}

/// At which operation the damage was reported. None: no operation met it.
async fn told_at(place: &Path) -> Option<&'static str> {
    let store = match open(place) {
        Ok(store) => store,
        Err(OpenError::Damaged(file)) => {
            assert_eq!(file, place.join(FILE));
            return Some("open");
        }
        Err(error) => panic!("{error}"),
    };
    let expected = |error| assert_eq!(error, damage_error());
    if let Err(error) = store.recover(true).await {
        expected(error);
        assert!(matches!(store.check_damage(), Err(OpenError::Damaged(_))));
        return Some("recover");
    }
    let mut is_told = false;
    let mut tell = |error: Option<CapabilityError>| {
        is_told |= error.is_some();
        if let Some(error) = error {
            expected(error);
        }
    };
    tell(store.due(100).await.err());
    tell(store.next_due().await.err());
    tell(store.next_deadline().await.err());
    tell(store.miss_deadlines(100).await.err());
    tell(store.last_round().await.err());
    let before = Timestamp::from_secs(0);
    tell(store.abandon(before, 100).await.err());
    for user in 0..USERS {
        let (user, task) = (format!("user-{user}"), format!("task-{user}"));
        let (tasks, concepts): (&dyn Tasks, &dyn Concepts) = (&store, &store);
        tell(tasks.get(&user, &task).await.err());
        tell(tasks.list(&user, None, 10, None).await.err());
        tell(concepts.list(&user, 10, None).await.err());
        tell(store.without_session(vec![user], before).await.err());
    }
    tell(store.submit(task_of(USERS)).await.err());
    if !is_told {
        assert_eq!(store.check().await, Ok(()));
        return None;
    }
    // It stays recorded even if later operations work.
    assert_eq!(store.check().await, Err(damage_error()));
    let refused = store.submit(task_of(USERS + 1)).await;
    assert_eq!(refused, Err(damage_error()));
    assert!(store.check_damage().is_err());
    Some("later")
}

/// Each page in turn, and a truncated file.
#[tokio::test]
async fn damage_is_told_wherever_it_is_and_left_as_it_is() {
    let whole = filled().await;
    let pages = whole.len() / PAGE;
    assert!(pages > 20, "{pages} pages");
    let mut cases: Vec<(String, Vec<u8>)> = whole
        .chunks(PAGE)
        .enumerate()
        .map(|(page, _)| {
            let mut damaged = whole.clone();
            garble(&mut damaged[page * PAGE..(page + 1) * PAGE]);
            (format!("page {}", page + 1), damaged)
        })
        .collect();
    let mut no_database = whole.clone();
    garble(&mut no_database[..100]);
    cases.push(("header".into(), no_database));
    for pages in [1, pages / 2, pages - 1] {
        cases.push((
            format!("{pages} pages left"),
            whole[..pages * PAGE].to_vec(),
        ));
    }

    let mut counts = BTreeMap::<_, u32>::new();
    for (case, damaged) in cases {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join(FILE);
        fs::write(&file, &damaged).unwrap();
        let damage_error = told_at(place.path()).await;
        *counts.entry(damage_error).or_default() += 1;
        if damage_error.is_some() {
            assert!(
                fs::read(&file).unwrap() == damaged,
                "{case}: it was changed"
            );
        }
        if case == "page 1" || case == "header" || case.ends_with("left") {
            assert_eq!(damage_error, Some("open"), "{case}");
        }
    }
    let count = |at| counts.get(&at).copied().unwrap_or_default();
    assert!(count(Some("open")) > 5, "{counts:?}");
    assert!(count(Some("recover")) > 5, "{counts:?}");
    // Indexes that no operation used, what nobody has spent, and what only operators read.
    assert!(count(None) < 16, "{counts:?}");
}
