//! Pausing the queue.

use std::sync::Arc;

use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;

use super::{MOMENT, Operated, act, of_status};
use crate::tasks::deadlines::{MESSAGE, with_deadline};
use crate::tasks::durability::restart;
use crate::tasks::{Durable, LEASE, OVERDUE, Store, created};

impl<B: Operated> Store<B> {
    pub(super) async fn set_paused(&self, is_paused: bool) -> bool {
        let changed = self.operator().set_paused(is_paused, act()).await.unwrap();
        assert_eq!(self.operator().is_paused().await, Ok(is_paused));
        changed
    }

    /// When a task is due next, and which are.
    async fn due(&self) -> (Option<Timestamp>, Vec<String>) {
        let next = self.maintenance.next_due().await.unwrap();
        let due = self.maintenance.due(100).await.unwrap();
        (next, due.into_iter().map(|task| task.id).collect())
    }
}

pub async fn nothing_is_claimed_and_nothing_is_due_while_it_is_paused<B: Operated>() {
    let store = Store::<B>::start();
    assert_eq!(store.operator().is_paused().await, Ok(false));
    let pending = store.pending("pending").await;
    let held = store.pending("held").await;
    let held = store.claim(&held).await;
    let lost = store.pending("lost").await;
    store.claim(&lost).await;
    store.pass(OVERDUE);
    let renewed = store.leases.renew(&held.lease).await.unwrap().unwrap();
    assert!(store.set_paused(true).await);
    assert!(!store.set_paused(true).await);
    store.pass(LEASE - MOMENT);
    assert_eq!(store.due().await, (None, vec![]));
    let late = store.pending("late").await;
    for task in [&pending, &lost, &late] {
        assert!(store.try_claim(task).await.is_none(), "{}", task.user_id);
    }
    assert_eq!(store.record(&lost.id).await.deaths, 0);

    // Who works on a task goes on.
    assert!(store.leases.renew(&renewed).await.unwrap().is_some());
    store.finish(&held).await;

    store.pass(MOMENT);
    assert!(store.set_paused(false).await);
    assert!(!store.set_paused(false).await);
    let (next, mut due) = store.due().await;
    assert!(next.unwrap() <= store.now());
    let mut all = [&pending, &lost, &late].map(|task| task.id.clone());
    due.sort_unstable();
    all.sort_unstable();
    assert_eq!(due, all, "all that wait, whenever they would have been due");
    for task in [&pending, &lost, &late] {
        store.claim(task).await;
    }
}

pub async fn a_deadline_passes_and_positions_are_told_while_it_is_paused<B: Operated>() {
    let store = Store::<B>::start();
    let task = created(store.submit(with_deadline("ada")).await);
    let other = store.pending("bob").await;
    store.set_paused(true).await;
    let order = store.maintenance.claim_order(10).await.unwrap();
    assert_eq!(order, [task.id.clone(), other.id.clone()]);
    let deadline = store.maintenance.next_deadline().await.unwrap().unwrap();
    store.clock.set(deadline);
    assert_eq!(store.due().await, (None, vec![]));
    assert_eq!(store.missed(100).await, 1);
    let failed = store.task(&task).await;
    assert_eq!(failed.error_message.as_deref(), Some(MESSAGE));
    let order = store.maintenance.claim_order(10).await.unwrap();
    assert_eq!(order, [other.id]);
}

/// Claims that are under way at that moment are answered by then, or refused.
pub async fn no_claim_follows_the_answer<B: Operated>() {
    let store = Store::<B>::start();
    for round in 0..10 {
        let mut tasks = Vec::new();
        for number in 0..20 {
            tasks.push(store.pending(&format!("user {round} {number}")).await);
        }
        let claims: Vec<_> = tasks
            .into_iter()
            .map(|task| {
                let leases = Arc::clone(&store.leases);
                tokio::spawn(async move { leases.claim(&task.id, None).await })
            })
            .collect();
        store.set_paused(true).await;
        let processing = async || store.matching(&of_status(Status::Processing)).await.len();
        let then = processing().await;
        for claim in claims {
            claim.await.unwrap().unwrap();
        }
        assert_eq!(processing().await, then);
        store.set_paused(false).await;
    }
}

pub async fn it_stays_paused_after_a_restart<B: Operated + Durable>() {
    let store = Store::<B>::start();
    let task = store.pending("ada").await;
    store.set_paused(true).await;
    let store = restart(store);
    assert_eq!(store.operator().is_paused().await, Ok(true));
    assert!(store.try_claim(&task).await.is_none());
    assert!(store.set_paused(false).await);
    store.claim(&task).await;
}
