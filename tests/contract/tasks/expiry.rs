//! Removing old tasks and concepts.

use std::time::Duration;

use concept_refinement_domain::capability::{Accepted, Fenced, NewTask, Submission};
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_host::capability::tasks::Expired;

use super::{
    LEASE, MICROSECOND, START, Store, TaskBackend, created, new_task, with_key, with_quota,
};

const HOUR: Duration = Duration::from_secs(3600);
const NEVER: Timestamp = Timestamp(i64::MAX.cast_unsigned());

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
        assert_eq!(store.tasks.delete(user_id, id).await.unwrap(), None);
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

pub async fn a_task_is_as_old_as_its_end<B: TaskBackend>() {
    let store = Store::<B>::start();
    let claimed = store.claimed("ada").await;
    store.pass(HOUR);
    store.complete(&claimed).await;
    let task = store.task(&claimed.task).await;
    let end = START.plus(HOUR);
    assert_eq!(expire(&store, end, 100).await, Expired::default());
    let expected = expired(1, &[&task]);
    assert_eq!(expire(&store, end.plus(MICROSECOND), 100).await, expected);
}

pub async fn what_is_to_be_done_is_never_too_old<B: TaskBackend>() {
    let store = Store::<B>::start();
    let pending = store.created("pending").await;
    let processing = store.claimed("processing").await;
    store.prepare(&processing).await;
    let released = store.claimed("released").await;
    store.prepare(&released).await;
    let _ = store.leases.release(&released.lease).await.unwrap();
    let abandoned = store.claimed("abandoned").await;
    store.pass(LEASE + HOUR);
    assert_eq!(expire(&store, NEVER, 100).await, Expired::default());
    store.complete(&processing).await;
    for task in [pending, released.task, abandoned.task] {
        let claimed = store.claim(&task).await;
        store.complete(&claimed).await;
    }
    let all = expire(&store, NEVER, 100).await;
    assert_eq!((all.tasks, all.concepts), (4, 4));
}

pub async fn the_oldest_go_first_and_only_so_many<B: TaskBackend>() {
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for n in [3, 0, 4, 1, 2] {
        // The order in which they end is not that in which they were made.
        store.clock.set(START.plus(HOUR * n));
        tasks.push((n, store.completed(&format!("user {n}")).await.0));
    }
    tasks.sort_by_key(|(n, _)| *n);
    let tasks: Vec<_> = tasks.iter().map(|(_, task)| task).collect();
    assert_eq!(expire(&store, NEVER, 2).await, expired(2, &tasks[..2]));
    // What is too young is not counted.
    let then = START.plus(HOUR * 3);
    assert_eq!(expire(&store, then, 2).await, expired(1, &tasks[2..3]));
    assert_eq!(expire(&store, then, 2).await, Expired::default());
    for task in &tasks[3..] {
        assert_eq!(store.find(task).await.as_ref(), Some(*task));
    }
    assert_eq!(expire(&store, NEVER, 2).await, expired(2, &tasks[3..]));
}

pub async fn a_task_that_stays_behind_has_lost_its_image<B: TaskBackend>() {
    let store = Store::<B>::start();
    failed(&store, "failed").await;
    store.pass(MICROSECOND);
    let (task, _) = store.completed("completed").await;
    assert_eq!(expire(&store, NEVER, 1).await, expired(1, &[&task]));
    let expected = Task {
        image_path: None,
        ..task.clone()
    };
    assert_eq!(store.task(&task).await, expected);
    assert_eq!(expire(&store, NEVER, 1).await, expired(1, &[]));
}

pub async fn a_concept_goes_by_its_own_age<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (without_task, id) = store.completed("ada").await;
    let Task {
        user_id, id: task, ..
    } = &without_task;
    store.tasks.delete(user_id, task).await.unwrap().unwrap();
    let (without_concept, other) = store.completed("ada").await;
    store.concepts.delete("ada", &other).await.unwrap().unwrap();

    assert_eq!(expire(&store, START, 100).await, Expired::default());
    let then = START.plus(MICROSECOND);
    let expected = expired(1, &[&without_task]);
    assert_eq!(expire(&store, then, 100).await, expected);
    assert_eq!(store.concepts.get("ada", &id).await.unwrap(), None);
    assert_eq!(store.find(&without_concept).await, None);
}

/// A refined image that is the original of an active task stays.
pub async fn an_original_stays_until_it_is_refined<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (task, id) = store.completed("ada").await;
    let (other, _) = store.completed("ada").await;
    let again = NewTask {
        original_path: task.image_path.clone(),
        ..new_task("ada")
    };
    let again = created(store.submit(again).await);
    assert_eq!(expire(&store, NEVER, 1).await, expired(1, &[&other]));
    assert_eq!(expire(&store, NEVER, 1).await, expired(1, &[]));
    assert_eq!(expire(&store, NEVER, 1).await, Expired::default());
    let concept = store.concepts.get("ada", &id).await.unwrap();
    assert!(concept.is_some());
    let claimed = store.claim(&again).await;
    assert_eq!(expire(&store, NEVER, 100).await, Expired::default());
    store.fail(&claimed.lease).await;
    assert_eq!(expire(&store, NEVER, 100).await, expired(1, &[&task]));
}

pub async fn forgetting_gives_no_quota_back<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = || with_quota("ada", 1, Window::Month);
    let claimed = store.claim(&created(store.submit(new()).await)).await;
    store.complete(&claimed).await;
    assert_eq!(expire(&store, NEVER, 100).await.tasks, 1);
    let judged = store.submit(new()).await;
    assert!(matches!(judged, Submission::QuotaExceeded(_)), "{judged:?}");
}

pub async fn a_repeat_is_answered_though_its_task_is_forgotten<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = with_key("ada", "key");
    let task = created(store.submit(new.clone()).await);
    let claimed = store.claim(&task).await;
    let id = store.prepare(&claimed).await;
    let done = store.leases.complete(&claimed.lease, &id).await.unwrap();
    assert_eq!(done, Fenced::Done);
    assert_eq!(expire(&store, NEVER, 100).await.tasks, 1);
    let again = NewTask {
        id: new_task("").id,
        ..new
    };
    let expected = Submission::Replayed(Accepted {
        task: task.clone(),
        quota: None,
    });
    assert_eq!(store.submit(again).await, expected);
    assert_eq!(
        task.status,
        Status::Pending,
        "as it was when it was created"
    );
    assert_eq!(store.find(&task).await, None);
}
