//! A task that is submitted where a worker waits is claimed for it by the same step:
//! what only the queue inside an embedded store promises.

use std::time::Duration;

use concept_refinement_domain::capability::Submission;
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_host::capability::queue::store::StoreQueue;
use concept_refinement_host::capability::queue::{Delivery, TaskQueue as _};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::timeout;

use crate::sqlite::OnDisk;
use crate::tasks::durability::restart;
use crate::tasks::{Durable as _, LEASE, Rules, START, Store, new_task};

struct Handovers {
    store: Store<OnDisk>,
    queue: StoreQueue,
}

impl Handovers {
    fn start() -> Self {
        let store = Store::<OnDisk>::start();
        let queue = store.backend.queue();
        Self { store, queue }
    }

    /// A task that was handed to a worker, by this delivery.
    async fn handed() -> (Self, Task, Delivery) {
        let handovers = Self::start();
        let worker = handovers.worker();
        let task = handovers.store.created("ada").await;
        let delivery = within_a_minute(worker).await;
        (handovers, task, delivery)
    }

    /// A worker that waits.
    fn worker(&self) -> BoxFuture<'_, Delivery> {
        let mut waiting = self.queue.receive().map(Result::unwrap).boxed();
        let received = (&mut waiting).now_or_never();
        assert!(received.is_none(), "something is in the line");
        waiting
    }

    async fn status(&self, task: &Task) -> Status {
        self.store.task(task).await.status
    }

    async fn publish(&self, task: &Task) {
        self.queue.publish(message_for(task)).await.unwrap();
    }
}

async fn within_a_minute<T>(work: impl Future<Output = T>) -> T {
    let done = timeout(Duration::from_secs(60), work).await;
    done.expect("nothing was delivered")
}

#[tokio::test]
async fn who_waits_is_handed_what_is_submitted() {
    let handovers = Handovers::start();
    let (first, second) = (handovers.worker(), handovers.worker());
    let task = handovers.store.created("ada").await;
    assert_eq!(task.status, Status::Pending, "as it was accepted");
    assert_eq!(handovers.status(&task).await, Status::Processing);
    let delivery = within_a_minute(first).await;
    assert_eq!(delivery.task_id.as_ref(), Some(&task.id));
    assert_eq!(delivery.message, message_for(&task));

    handovers.publish(&task).await;
    let mut second = second;
    assert!((&mut second).now_or_never().is_none(), "delivered twice");
    let claimed = handovers.store.claim(&task).await;
    assert_eq!(claimed.lease.attempt, 1);
    assert_eq!(claimed.lease.until, START.plus(LEASE));
    assert_eq!(handovers.store.try_claim(&task).await, None);
    handovers.store.finish(&claimed).await;
    delivery.ack().await;
    assert_eq!(handovers.status(&task).await, Status::Completed);
}

/// Where nobody waits, and for those who wait for what is in the line.
#[tokio::test]
async fn what_nobody_waits_for_is_claimed_by_whoever_comes() {
    let handovers = Handovers::start();
    let alone = handovers.store.created("ada").await;
    assert_eq!(handovers.status(&alone).await, Status::Pending);
    drop(handovers.worker());
    let left = handovers.store.created("bob").await;
    assert_eq!(handovers.status(&left).await, Status::Pending);

    let worker = handovers.worker();
    handovers.publish(&alone).await;
    let behind = handovers.store.created("eve").await;
    assert_eq!(handovers.status(&behind).await, Status::Pending);
    let delivery = within_a_minute(worker).await;
    assert_eq!(delivery.task_id.as_ref(), Some(&alone.id));
    delivery.ack().await;
}

#[tokio::test]
async fn a_worker_is_there_for_the_next_task_if_one_is_refused() {
    let handovers = Handovers::start();
    let worker = handovers.worker();
    let mut other = handovers.worker();
    let active = handovers.store.created("ada").await;
    let delivery = within_a_minute(worker).await;
    let refused = handovers.store.submit(new_task("ada")).await;
    assert!(matches!(refused, Submission::Active(_)), "{refused:?}");
    assert!((&mut other).now_or_never().is_none());
    let next = handovers.store.created("bob").await;
    let handed = within_a_minute(other).await;
    assert_eq!(handed.task_id.as_ref(), Some(&next.id));
    assert_eq!(handovers.store.claim(&next).await.lease.attempt, 1);
    assert_eq!(handovers.store.claim(&active).await.lease.attempt, 1);
    drop((delivery, handed));
}

#[tokio::test]
async fn who_leaves_passes_the_task_on() {
    let handovers = Handovers::start();
    let worker = handovers.worker();
    let task = handovers.store.created("ada").await;
    drop(worker);
    let delivery = within_a_minute(handovers.queue.receive()).await.unwrap();
    assert_eq!(delivery.task_id.as_ref(), Some(&task.id));
    assert_eq!(handovers.store.claim(&task).await.lease.attempt, 1);
    delivery.ack().await;
}

#[tokio::test]
async fn a_delivery_that_is_dropped_or_refused_comes_again() {
    let (handovers, task, delivery) = Handovers::handed().await;
    drop(delivery);
    let again = within_a_minute(handovers.queue.receive()).await.unwrap();
    assert_eq!(again.task_id.as_ref(), Some(&task.id));
    assert_eq!(handovers.status(&task).await, Status::Processing);

    again.nack(Duration::ZERO).await;
    assert_eq!(handovers.status(&task).await, Status::Pending, "given back");
    let again = within_a_minute(handovers.queue.receive()).await.unwrap();
    assert_eq!(handovers.store.claim(&task).await.lease.attempt, 2);
    again.ack().await;
}

/// It has waited for its worker, of whom none has died.
#[tokio::test]
async fn what_is_asked_for_late_is_claimed_anew_and_nobody_has_died() {
    for late in [LEASE / 2, LEASE, LEASE * 2] {
        let (handovers, task, delivery) = Handovers::handed().await;
        handovers.store.clock.advance(late);
        let claimed = handovers.store.claim(&task).await;
        assert_eq!(claimed.lease.attempt, 2);
        assert_eq!(claimed.lease.until, handovers.store.now().plus(LEASE));
        assert_eq!(handovers.store.try_claim(&task).await, None);
        for death in 1..MAX_DEATHS {
            handovers.store.clock.advance(LEASE);
            let claimed = handovers.store.claim(&task).await;
            assert_eq!(claimed.lease.attempt, 2 + death);
        }
        handovers.store.clock.advance(LEASE);
        assert_eq!(handovers.store.try_claim(&task).await, None, "given up");
        delivery.ack().await;
    }
}

/// It is published once by whoever submits it; after that it was overdue.
#[tokio::test]
async fn what_was_handed_over_can_be_published_again() {
    let (handovers, task, stuck) = Handovers::handed().await;
    handovers.publish(&task).await;
    handovers.publish(&task).await;
    let again = within_a_minute(handovers.queue.receive()).await.unwrap();
    assert_eq!(again.task_id.as_ref(), Some(&task.id));
    again.ack().await;
    stuck.ack().await;
}

/// A stop is no death of a worker.
#[tokio::test]
async fn what_no_worker_began_is_pending_after_a_stop_and_claimed_after_a_crash() {
    let handovers = Handovers::start();
    let worker = handovers.worker();
    let task = handovers.store.created("ada").await;
    drop(worker);
    let Handovers { store, queue } = handovers;
    let clock = store.clock.clone();
    let crashed = store.backend.crash(Rules::default(), clock.clone());
    let crashed = Store::of(crashed, clock);
    assert_eq!(crashed.task(&task).await.status, Status::Processing);
    assert_eq!(crashed.maintenance.recover().await, Ok(1));
    assert_eq!(crashed.claim(&task).await.lease.attempt, 2);

    drop(queue);
    let restarted = restart(store);
    assert_eq!(restarted.task(&task).await.status, Status::Pending);
    assert_eq!(restarted.claim(&task).await.lease.attempt, 2);
}

/// Its user left before it was published, and its first worker gave it back.
#[tokio::test]
async fn what_was_delivered_again_is_published_like_any_other() {
    let (handovers, task, delivery) = Handovers::handed().await;
    delivery.nack(Duration::ZERO).await;
    let again = within_a_minute(handovers.queue.receive()).await.unwrap();
    handovers.publish(&task).await;
    let overdue = within_a_minute(handovers.queue.receive()).await.unwrap();
    assert_eq!(overdue.task_id.as_ref(), Some(&task.id));
    overdue.ack().await;
    again.ack().await;
}
