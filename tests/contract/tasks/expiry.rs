//! Removing old tasks and concepts.

use std::time::Duration;

use concept_refinement_capability::tasks::Expired;
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use super::{MICROSECOND, START, Store, TaskBackend};

async fn expire<B: TaskBackend>(store: &Store<B>, before: Timestamp, limit: u32) -> Expired {
    let mut expired = store.maintenance.expire(before, limit).await.unwrap();
    assert_eq!(expired.concepts as usize, expired.image_paths.len());
    expired.image_paths.sort();
    expired
}

fn expired(tasks: u32, images: &[&Task]) -> Expired {
    let mut image_paths: Vec<_> = images
        .iter()
        .map(|task| task.image_path.clone().unwrap())
        .collect();
    image_paths.sort();
    Expired {
        tasks,
        concepts: u32::try_from(image_paths.len()).unwrap(),
        image_paths,
    }
}

async fn failed<B: TaskBackend>(store: &Store<B>, user: &str) -> Task {
    let claimed = store.claimed(user).await;
    store.fail(&claimed.lease).await;
    claimed.task
}

pub async fn what_is_older_is_forgotten_as_if_it_had_been_deleted<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (completed, concept) = store.completed("completed").await;
    let failed = failed(&store, "failed").await;
    let withdrawn = store.created("withdrawn").await;
    let _ = store.tasks.withdraw(&withdrawn.id, "No.").await.unwrap();
    store.pass(MICROSECOND);
    let (younger, its_concept) = store.completed("completed").await;

    assert_eq!(expire(&store, START, 100).await, Expired::default());
    let then = START.plus(MICROSECOND);
    assert_eq!(expire(&store, then, 100).await, expired(3, &[&completed]));
    assert_eq!(expire(&store, then, 100).await, Expired::default());

    for task in [&completed, &failed, &withdrawn] {
        let Task { user_id, id, .. } = task;
        assert_eq!(store.find(task).await, None, "{user_id}");
        assert!(store.tasks.watch(user_id, id).await.unwrap().is_none());
        assert_eq!(store.tasks.delete(user_id, id).await, Ok(false));
    }
    let found = store.concepts.get("completed", &concept).await.unwrap();
    assert_eq!(found, None);
    let left = store.tasks.list("completed", None, 10, None).await.unwrap();
    assert_eq!(left.items, [younger]);
    let left = store.concepts.list("completed", 10, None).await.unwrap();
    let left: Vec<_> = left.items.into_iter().map(|concept| concept.id).collect();
    assert_eq!(left, [its_concept]);
    for user in ["completed", "failed", "withdrawn"] {
        store.created(user).await;
    }
}

pub async fn the_last_round_is_remembered<B: TaskBackend>() {
    let store = Store::<B>::start();
    assert_eq!(store.maintenance.last_round().await, Ok(None));
    for probation in [
        None,
        Some(Duration::ZERO),
        Some(Duration::from_secs(3600)),
        None,
    ] {
        let round = LastRound {
            at: store.now(),
            probation,
        };
        store.maintenance.remember_round(round).await.unwrap();
        assert_eq!(store.maintenance.last_round().await, Ok(Some(round)));
        store.pass(MICROSECOND);
    }
}
