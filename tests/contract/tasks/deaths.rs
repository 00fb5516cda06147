//! Workers that die.

use concept_refinement_domain::capability::Claimed;
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::sentence::WORKER_DIED;
use concept_refinement_domain::task::{Status, Task};

use super::{LEASE, Store, TaskBackend};

/// Claims the task, and lets the lease run out.
async fn die<B: TaskBackend>(store: &Store<B>, task: &Task) -> Claimed {
    let claimed = store.claim(task).await;
    store.pass(LEASE);
    claimed
}

pub async fn the_third_death_fails_the_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    for _ in 0..MAX_DEATHS {
        let claimed = die(&store, &task).await;
        store.prepare(&claimed).await;
    }
    assert_eq!(store.task(&task).await.status, Status::Processing);
    assert!(store.try_claim(&task).await.is_none());
    let failed = store.task(&task).await;
    assert_eq!(failed.status, Status::Failed);
    assert_eq!(failed.error_message.as_deref(), Some(WORKER_DIED));
    assert_eq!(failed.completed_at, Some(store.now()));
    assert_eq!(failed.lease_until, None);
    assert!(store.try_claim(&task).await.is_none());
    store.created("ada").await;
}

pub async fn what_is_given_up_is_counted<B: TaskBackend>() {
    let store = Store::<B>::start();
    let given_up = async || store.maintenance.tally().await.unwrap().given_up;
    for (count, user) in [(0, "ada"), (1, "bob")] {
        let task = store.created(user).await;
        for _ in 0..MAX_DEATHS {
            die(&store, &task).await;
        }
        assert_eq!(given_up().await, count);
        for _ in 0..2 {
            assert!(store.try_claim(&task).await.is_none());
            assert_eq!(given_up().await, count + 1);
        }
    }
    let claimed = store.claimed("eve").await;
    store.fail(&claimed.lease).await;
    assert_eq!(given_up().await, 2, "failing is another thing");
}

pub async fn releasing_is_no_death<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    for _ in 0..MAX_DEATHS * 2 {
        let claimed = store.claim(&task).await;
        let _ = store.leases.release(&claimed.lease).await.unwrap();
        store.pass(LEASE);
    }
    // Deaths are counted in all, not in a row.
    for _ in 1..MAX_DEATHS {
        die(&store, &task).await;
        let claimed = store.claim(&task).await;
        let _ = store.leases.release(&claimed.lease).await.unwrap();
    }
    die(&store, &task).await;
    assert!(store.try_claim(&task).await.is_none());
    assert_eq!(store.task(&task).await.status, Status::Failed);
}

pub async fn a_slow_worker_that_goes_on_has_not_died<B: TaskBackend>() {
    let store = Store::<B>::start();
    let claimed = store.claimed("ada").await;
    for _ in 0..MAX_DEATHS * 2 {
        store.pass(LEASE * 2);
        assert!(store.leases.renew(&claimed.lease).await.unwrap().is_some());
        assert!(store.try_claim(&claimed.task).await.is_none());
    }
    store.complete(&claimed).await;
}
