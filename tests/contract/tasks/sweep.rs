//! Finding due tasks.

use std::slice::from_ref;

use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use super::{MICROSECOND, OVERDUE, START, Store, TaskBackend};

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
