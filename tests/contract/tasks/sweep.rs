//! Finding due tasks.

use std::slice::from_ref;
use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use super::{LEASE, MICROSECOND, OVERDUE, START, Store, TaskBackend};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn due<B: TaskBackend>(store: &Store<B>) -> Vec<Task> {
    store.maintenance.due(100).await.unwrap()
}

async fn next_due<B: TaskBackend>(store: &Store<B>) -> Option<Timestamp> {
    store.maintenance.next_due().await.unwrap()
}

pub async fn a_pending_task_is_due_after_a_while<B: TaskBackend>() {
    let store = Store::<B>::start();
    assert_eq!(next_due(&store).await, None);
    let task = store.created("ada").await;
    assert_eq!(next_due(&store).await, Some(START.plus(OVERDUE)));
    store.pass(OVERDUE - MICROSECOND);
    assert_eq!(due(&store).await, []);
    store.pass(MICROSECOND);
    assert_eq!(due(&store).await, from_ref(&task));
    // And again, if it is still there after another while.
    assert_eq!(next_due(&store).await, Some(store.now().plus(OVERDUE)));
    assert_eq!(due(&store).await, []);
    store.pass(OVERDUE);
    assert_eq!(due(&store).await, from_ref(&task));

    let claimed = store.claim(&task).await;
    let _ = store.leases.release(&claimed.lease).await.unwrap();
    store.pass(OVERDUE);
    assert_eq!(due(&store).await, [store.task(&task).await], "released");
}

pub async fn recovering_takes_over_whatever_was_under_way<B: TaskBackend>() {
    let store = Store::<B>::start();
    assert_eq!(store.maintenance.recover(true).await, Ok(0));
    let mut expected = Vec::new();
    for n in 0..3 {
        let pending = store.created(&format!("pending {n}")).await;
        store.pass(MICROSECOND);
        let held = store.claimed(&format!("held {n}")).await;
        store.completed(&format!("completed {n}")).await;
        expected.extend([pending.id, held.task.id]);
        store.pass(MICROSECOND);
    }
    assert_eq!(store.maintenance.recover(true).await, Ok(6));
    assert_eq!(next_due(&store).await, Some(store.now()));
    let recovered = due(&store).await;
    let ids: Vec<_> = recovered.iter().map(|task| task.id.clone()).collect();
    assert_eq!(ids, expected);
    for task in &recovered {
        assert_eq!(*task, store.task(task).await);
        assert!(task.lease_until.is_none_or(|until| until <= store.now()));
    }
    assert_eq!(due(&store).await, [], "each is told of once");
    assert_eq!(next_due(&store).await, Some(store.now().plus(OVERDUE)));
    for task in &recovered {
        store.claim(task).await;
    }
}

/// A queue that outlives the process has their messages.
pub async fn recovering_leaves_what_waits_to_a_queue_that_has_its_messages<B: TaskBackend>() {
    let store = Store::<B>::start();
    let pending = store.created("pending").await;
    let held = store.claimed("held").await.task;
    store.pass(MICROSECOND);
    assert_eq!(store.maintenance.recover(false).await, Ok(2));
    let recovered = due(&store).await;
    assert_eq!(recovered, [store.task(&held).await]);
    store.claim(&held).await;
    store.pass(OVERDUE - MICROSECOND);
    assert_eq!(due(&store).await, [pending]);
}

/// No task may have to wait until the clock has caught up.
pub async fn a_clock_that_is_set_back_strands_no_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let pending = store.created("pending").await;
    let abandoned = store.claimed("abandoned").await.task;
    store.clock.set(before(START, DAY));
    assert_eq!(due(&store).await, []);
    store.pass(LEASE);
    let mut found = due(&store).await;
    found.sort_by(|one, other| one.user_id.cmp(&other.user_id));
    let found: Vec<_> = found.into_iter().map(|task| task.id).collect();
    assert_eq!(found, [abandoned.id.clone(), pending.id.clone()]);
    store.claim(&pending).await;
    store.claim(&abandoned).await;
}
