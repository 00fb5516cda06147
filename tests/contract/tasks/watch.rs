//! Watching a task.

use std::time::Duration;

use concept_refinement_capability::tasks::Changes;
use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::task::{Change, Stage, Status, Task};
use futures::{FutureExt, StreamExt};
use uuid::Uuid;

use super::{LEASE, MICROSECOND, Store, TaskBackend, at_once};

async fn watch<B: TaskBackend>(store: &Store<B>, task: &Task) -> Changes {
    let changes = store.tasks.watch(&task.user_id, &task.id).await.unwrap();
    changes.expect("the task is there")
}

/// The next change; a fault, not a hang, if there is none.
async fn next(changes: &mut Changes) -> Option<Change> {
    let next = tokio::time::timeout(Duration::from_secs(30), changes.next());
    next.await.expect("nothing was told")
}

/// The next change, which has to be that the task stands as it does now.
async fn assert_told<B: TaskBackend>(
    store: &Store<B>,
    changes: &mut Changes,
    task: &Task,
    status: Status,
) {
    let now = store.task(task).await;
    assert_eq!(now.status, status);
    assert_eq!(next(changes).await, Some(Change::Task(Box::new(now))));
}

pub async fn each_change_is_told_and_the_last_ends_it<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    let mut changes = watch(&store, &task).await;
    assert_told(&store, &mut changes, &task, Status::Pending).await;
    let first = store.claim(&task).await;
    assert_told(&store, &mut changes, &task, Status::Processing).await;
    store.pass(MICROSECOND);
    let _ = store.leases.release(&first.lease).await.unwrap();
    assert_told(&store, &mut changes, &task, Status::Pending).await;
    let second = store.claim(&task).await;
    assert_told(&store, &mut changes, &task, Status::Processing).await;
    // Nothing that users see.
    store.leases.renew(&second.lease).await.unwrap().unwrap();
    store.finish(&second).await;
    assert_told(&store, &mut changes, &task, Status::Completed).await;
    assert_eq!(next(&mut changes).await, None);
}

pub async fn stages_are_told_by_who_holds_the_lease<B: TaskBackend>() {
    let store = Store::<B>::start();
    let first = store.claimed("ada").await;
    store.pass(LEASE);
    let second = store.claim(&first.task).await;
    let mut changes = watch(&store, &first.task).await;
    assert_told(&store, &mut changes, &first.task, Status::Processing).await;
    let never = Lease {
        task_id: Uuid::new_v4().to_string(),
        ..second.lease.clone()
    };
    store.progress(&never, Stage::Refining).await;
    for stage in [
        Stage::Downloading,
        Stage::Refining,
        Stage::StoringImage,
        Stage::StoringConcept,
    ] {
        store.progress(&first.lease, Stage::Downloading).await;
        store.progress(&second.lease, stage).await;
        assert_eq!(next(&mut changes).await, Some(Change::Progress(stage)));
    }
    store.finish(&second).await;
    store.progress(&second.lease, Stage::Downloading).await;
    assert_told(&store, &mut changes, &first.task, Status::Completed).await;
    assert_eq!(next(&mut changes).await, None);
}

/// And not one of a worker that has lost the task, nor of a claim that is over.
pub async fn who_begins_to_watch_is_told_the_stage_that_is_under_way<B: TaskBackend>() {
    let store = Store::<B>::start();
    let told = async |task: &Task, status: Status, stage: Option<Stage>| {
        let mut changes = watch(&store, task).await;
        assert_told(&store, &mut changes, task, status).await;
        if let Some(stage) = stage {
            assert_eq!(next(&mut changes).await, Some(Change::Progress(stage)));
        }
        assert_eq!(changes.next().now_or_never(), None, "{status:?} {stage:?}");
        changes
    };
    let first = store.claimed("ada").await;
    let task = &first.task;
    drop(told(task, Status::Processing, None).await);
    store.progress(&first.lease, Stage::Downloading).await;
    store.progress(&first.lease, Stage::Refining).await;
    let mut early = told(task, Status::Processing, Some(Stage::Refining)).await;
    // Holding it for longer changes nothing.
    store.leases.renew(&first.lease).await.unwrap().unwrap();
    drop(told(task, Status::Processing, Some(Stage::Refining)).await);
    let _ = store.leases.release(&first.lease).await.unwrap();
    store.progress(&first.lease, Stage::Refining).await;
    drop(told(task, Status::Pending, None).await);

    let dead = store.claim(task).await;
    store.progress(&dead.lease, Stage::Refining).await;
    store.pass(LEASE);
    drop(told(task, Status::Processing, Some(Stage::Refining)).await);
    let second = store.claim(task).await;
    store.progress(&dead.lease, Stage::StoringImage).await;
    drop(told(task, Status::Processing, None).await);
    store.progress(&second.lease, Stage::Downloading).await;
    let mut late = told(task, Status::Processing, Some(Stage::Downloading)).await;
    store.progress(&second.lease, Stage::Refining).await;
    let refining = Some(Change::Progress(Stage::Refining));
    assert_eq!(next(&mut late).await, refining, "then what comes after");

    store.finish(&second).await;
    store.progress(&second.lease, Stage::Refining).await;
    let mut done = watch(&store, task).await;
    assert_told(&store, &mut done, task, Status::Completed).await;
    assert_eq!(next(&mut done).await, None);
    let mut last = None;
    while let Some(change) = next(&mut early).await {
        last = Some(change);
    }
    assert!(matches!(last, Some(Change::Task(task)) if task.status == Status::Completed));
}

pub async fn each_way_to_end_is_told<B: TaskBackend>() {
    let store = Store::<B>::start();
    let begin = async |user: &str| {
        let task = store.created(user).await;
        let mut changes = watch(&store, &task).await;
        assert_told(&store, &mut changes, &task, Status::Pending).await;
        (task, changes)
    };

    let (task, mut changes) = begin("withdrawn").await;
    let _ = store.tasks.withdraw(&task.id, "No.").await.unwrap();
    assert_told(&store, &mut changes, &task, Status::Failed).await;
    assert_eq!(next(&mut changes).await, None);

    let (task, mut changes) = begin("failed").await;
    let claimed = store.claim(&task).await;
    assert_told(&store, &mut changes, &task, Status::Processing).await;
    store.fail(&claimed.lease).await;
    assert_told(&store, &mut changes, &task, Status::Failed).await;
    assert_eq!(next(&mut changes).await, None);

    let (task, mut changes) = begin("deleted").await;
    store.tasks.delete("deleted", &task.id).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(Change::Deleted));
    assert_eq!(next(&mut changes).await, None);

    let (task, mut changes) = begin("dead").await;
    for _ in 0..3 {
        store.claim(&task).await;
        assert_told(&store, &mut changes, &task, Status::Processing).await;
        store.pass(LEASE);
    }
    assert!(store.try_claim(&task).await.is_none());
    assert_told(&store, &mut changes, &task, Status::Failed).await;
    assert_eq!(next(&mut changes).await, None);
}

/// However much happens before the reader comes to read.
pub async fn who_reads_late_misses_no_end<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    let changes = watch(&store, &task).await;
    for _ in 0..100 {
        let claimed = store.claim(&task).await;
        store.progress(&claimed.lease, Stage::Refining).await;
        let _ = store.leases.release(&claimed.lease).await.unwrap();
    }
    let claimed = store.claim(&task).await;
    store.finish(&claimed).await;
    let last = changes.fold(None, async |_, change| Some(change));
    let last = tokio::time::timeout(Duration::from_secs(30), last)
        .await
        .unwrap();
    assert_eq!(last, Some(Change::Task(Box::new(store.task(&task).await))));
}

pub async fn nobody_watches_another_users_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    let nobody = async |user: &str, id: &str| {
        let changes = store.tasks.watch(user, id).await.unwrap();
        assert!(changes.is_none(), "{user} {id}");
    };
    nobody("bob", &task.id).await;
    nobody("", &task.id).await;
    nobody("ada", &Uuid::new_v4().to_string()).await;
    store.tasks.delete("ada", &task.id).await.unwrap();
    nobody("ada", &task.id).await;
}

/// What many watchers saw, from whenever they subscribed, while the task was
/// claimed, released, claimed again and completed. All saw the end.
async fn seen_by_many<B: TaskBackend>() -> Vec<Vec<Status>> {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    drop(watch(&store, &task).await);
    let work = async {
        let claimed = store.claim(&task).await;
        let _ = store.leases.release(&claimed.lease).await.unwrap();
        let claimed = store.claim(&task).await;
        store.finish(&claimed).await;
    };
    let watching = at_once(50, |_| {
        let (tasks, task) = (store.tasks.clone(), task.clone());
        async move {
            let changes = tasks.watch("ada", &task.id).await.unwrap().unwrap();
            changes.collect::<Vec<_>>().await
        }
    });
    let (seen, ()) = futures::join!(watching, work);
    let end = Change::Task(Box::new(store.task(&task).await));
    let status = |change: Change| match change {
        Change::Task(task) => task.status,
        other => panic!("{other:?}"),
    };
    seen.into_iter()
        .map(|changes| {
            assert_eq!(changes.last(), Some(&end));
            changes.into_iter().map(status).collect()
        })
        .collect()
}

const STATES: [Status; 5] = [
    Status::Pending,
    Status::Processing,
    Status::Pending,
    Status::Processing,
    Status::Completed,
];

/// Each sees the states in their order, some or all of them.
pub async fn many_watch_one_task<B: TaskBackend>() {
    for statuses in seen_by_many::<B>().await {
        let mut all = STATES.iter();
        let in_order = statuses.iter().all(|status| all.any(|next| next == status));
        assert!(in_order, "{statuses:?}");
    }
}

/// Each sees all states from where it came in, to the end.
pub async fn who_reads_at_once_misses_nothing<B: TaskBackend>() {
    for statuses in seen_by_many::<B>().await {
        assert!(STATES.ends_with(&statuses), "{statuses:?}");
    }
}

/// Of that and of nothing else, and of what comes after it began to listen.
pub async fn who_works_on_a_task_is_told_of_its_deletion<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    let mut forgotten = [(); 2].map(|()| store.leases.revocation(&task.id));
    let other = store.created("bob").await;
    let of_other = store.leases.revocation(&other.id);
    let first = store.claim(&task).await;
    store.progress(&first.lease, Stage::Refining).await;
    let _ = store.leases.release(&first.lease).await.unwrap();
    store.claim(&task).await;
    let by_another = store.tasks.delete("bob", &task.id).await.unwrap();
    assert!(!by_another);
    for forgotten in &mut forgotten {
        assert!(forgotten.now_or_never().is_none());
    }
    store.tasks.delete("ada", &task.id).await.unwrap();
    for forgotten in forgotten {
        let told = tokio::time::timeout(Duration::from_secs(30), forgotten);
        told.await.expect("nothing was told");
    }
    let claimed = store.claim(&other).await;
    store.finish(&claimed).await;
    assert!(of_other.now_or_never().is_none(), "it is done, and there");
    let late = store.leases.revocation(&task.id);
    assert!(late.now_or_never().is_none(), "that was before");
}
