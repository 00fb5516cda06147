//! What survives the end of the process.

use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_domain::capability::TaskFailure;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::{Status, Task};

use super::{
    Durable, LEASE, Owned, Rules, Store, assert_over_quota, at_once, created, new_task, replayed,
    with_key, with_quota,
};

/// Stops in an orderly way and starts again.
pub fn restart<B: Durable>(store: Store<B>) -> Store<B> {
    restart_with(store, Rules::default())
}

fn restart_with<B: Durable>(store: Store<B>, rules: Rules) -> Store<B> {
    let Store {
        backend,
        clock,
        tasks,
        concepts,
        leases,
        maintenance,
        webhooks,
    } = store;
    // Nobody else may hold the store while it stops.
    drop((tasks, concepts, leases, maintenance, webhooks));
    Store::of(backend.restart(rules, clock.clone()), clock)
}

pub async fn everything_is_there_after_a_restart<B: Durable>() {
    let mut store = Store::<B>::start();
    let pending = store.created("pending").await;
    let claimed = store.claimed("processing").await;
    let (completed, concept) = store.completed("completed").await;
    let failed = store.claimed("failed").await;
    store.fail(&failed.lease).await;
    let failed = store.task(&failed.task).await;
    let deleted = store.created("deleted").await;
    store.tasks.delete("deleted", &deleted.id).await.unwrap();
    let concept_before = store.concepts.get("completed", &concept).await.unwrap();

    store = restart(store);
    for task in [&pending, &claimed.task, &completed, &failed] {
        assert_eq!(store.task(task).await, *task);
    }
    assert_eq!(store.find(&deleted).await, None);
    let concept_after = store.concepts.get("completed", &concept).await.unwrap();
    assert!(concept_after.is_some());
    assert_eq!(concept_after, concept_before);
    // A lease is as good as before, until it is taken over.
    store.finish(&claimed).await;
    assert_eq!(store.task(&claimed.task).await.status, Status::Completed);
}

/// Two hundred concurrent operations are answered, then the process is killed.
/// Returns the requests, the answers, and the store after it.
async fn crashed<B: Durable>() -> (Vec<Task>, Store<B>) {
    let store = Store::<B>::start();
    let accepted = at_once(200, |n| {
        let (tasks, leases) = (store.tasks.clone(), store.leases.clone());
        async move {
            let task = created(tasks.submit(new_task(&format!("user {n}"))).await.unwrap());
            match n % 4 {
                0 => task,
                1 => leases.claim(&task.id, None).await.unwrap().unwrap().task,
                _ => {
                    let claimed = leases.claim(&task.id, None).await.unwrap().unwrap();
                    let _ = leases
                        .fail(&claimed.lease, &TaskFailure::new("No."))
                        .await
                        .unwrap();
                    tasks.get(&task.user_id, &task.id).await.unwrap().unwrap()
                }
            }
        }
    })
    .await;
    (accepted, store.crash())
}

pub async fn what_was_answered_survives_a_crash<B: Durable>() {
    let (accepted, after) = crashed::<B>().await;
    for task in &accepted {
        assert_eq!(after.find(task).await.as_ref(), Some(task));
    }
}

pub async fn what_a_crash_left_undone_is_due<B: Durable>() {
    let (mut accepted, after) = crashed::<B>().await;
    accepted.retain(|task| !task.status.is_final());
    let ids = |tasks: &[Task]| {
        let mut ids: Vec<_> = tasks.iter().map(|task| task.id.clone()).collect();
        ids.sort();
        ids
    };
    let unfinished = after.maintenance.recover(true).await.unwrap();
    assert_eq!(unfinished as usize, accepted.len());
    let due = after.maintenance.due(unfinished).await.unwrap();
    assert_eq!(ids(&due), ids(&accepted));
}

/// By whoever asks for it, once the lease ran out.
pub async fn what_a_dead_process_left_is_gone_on_with<B: Durable>() {
    let store = Store::<B>::start();
    let waiting = store.created("ada").await;
    let first = store.claimed("bob").await;
    let after = store.crash();
    after.claim(&waiting).await;
    assert!(after.try_claim(&first.task).await.is_none());
    after.pass(LEASE);
    let second = after.claim(&first.task).await;
    assert!(second.lease.attempt > first.lease.attempt);
    after.finish(&second).await;
    assert_eq!(after.task(&first.task).await.status, Status::Completed);
}

pub async fn a_key_and_the_quota_survive_a_restart<B: Durable>() {
    let mut store = Store::<B>::start();
    let keyed = with_key("ada", "key");
    let task = created(store.submit(keyed.clone()).await);
    store.tasks.delete("ada", &task.id).await.unwrap();
    store = restart(store);
    assert_eq!(replayed(store.submit(keyed).await), task);
    let refused = store.submit(with_quota("ada", 1, Window::Month)).await;
    assert_over_quota(&refused);
}

pub async fn it_belongs_to_one_process_at_a_time<B: Owned>() {
    let store = Store::<B>::start();
    let refused = store
        .backend
        .open_again(Rules::default(), store.clock.clone());
    let sentence = refused.unwrap_err();
    assert!(sentence.contains("in use by another process"), "{sentence}");
    store.created("ada").await;
    let store = restart(store);
    let all = store.tasks.list("ada", None, 10, None).await.unwrap();
    assert_eq!(all.items.len(), 1);
}

/// Who judges a lease may have been told of another one than who took it.
pub async fn a_lease_lasts_as_long_as_who_took_it_was_told<B: Durable>() {
    const LONG: Duration = Duration::from_secs(120);
    let store = Store::<B>::start_with(Rules {
        lease: LONG,
        ..Rules::default()
    });
    let long = store.claimed("long").await.task;
    let store = restart_with(store, Rules::default());
    let short = store.claimed("short").await.task;
    let due = async || {
        let due = store.maintenance.due(10).await.unwrap().into_iter();
        due.map(|task| task.user_id).collect::<Vec<_>>()
    };
    assert_eq!(due().await, [""; 0]);
    store.pass(LEASE);
    assert_eq!(due().await, ["short"]);
    assert_eq!(store.try_claim(&long).await, None);
    store.claim(&short).await;

    // Each counts anew from where the clock is set back to.
    store
        .clock
        .set(before(store.now(), Duration::from_secs(24 * 60 * 60)));
    assert_eq!(due().await, [""; 0]);
    store.pass(LEASE);
    assert_eq!(due().await, ["short"]);
    assert_eq!(store.try_claim(&long).await, None);
    store.pass(LONG - LEASE);
    assert!(due().await.contains(&"long".to_owned()));
    store.claim(&long).await;
}
