//! The queue inside the task store, and what only this one promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::intercept::{Intercepted, Interceptor};
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::tasks::{TaskOperation, TaskReply, TaskStore};
use concept_refinement_domain::capability::{CapabilityError, ErrorKind};
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::Task;
use concept_refinement_embedded::queue::StoreQueue;
use futures::FutureExt;
use futures::future::{join_all, pending, ready};
use uuid::Uuid;

use super::QueueBackend;
use crate::sqlite::InMemory;
use crate::tasks::{Store, TaskBackend as _};

pub struct InStore {
    store: Store<InMemory>,
    queue: Arc<StoreQueue>,
}

impl InStore {
    fn with_capacity(capacity: usize) -> Self {
        let store = Store::<InMemory>::start();
        let queue = Arc::new(StoreQueue::new(capacity));
        Self { store, queue }
    }

    async fn task(&self) -> Task {
        self.store.created(&Uuid::new_v4().to_string()).await
    }

    async fn publish(&self, task: &Task) {
        self.queue.publish(message_for(task)).await.unwrap();
    }

    /// Receives and acknowledges what stands for the task.
    async fn assert_next(&self, task: &Task) {
        let delivery = self.queue.receive().await.unwrap();
        assert_eq!(delivery.work().task_id(), Some(&*task.id));
        delivery.ack().await;
    }

    fn assert_empty(&self) {
        assert!(self.queue.receive().now_or_never().is_none());
    }
}

impl QueueBackend for InStore {
    fn start() -> Self {
        Self::with_capacity(1000)
    }

    fn queue(&self) -> Arc<dyn TaskQueue> {
        self.queue.clone()
    }

    async fn message(&self) -> (String, Vec<u8>) {
        let task = self.task().await;
        let message = message_for(&task);
        (task.id, message)
    }
}

#[tokio::test]
async fn tasks_come_in_their_order_and_once() {
    let queue = InStore::start();
    let tasks = [queue.task().await, queue.task().await, queue.task().await];
    for _ in 0..3 {
        for task in &tasks {
            queue.publish(task).await;
        }
    }
    for task in &tasks {
        queue.assert_next(task).await;
    }
    queue.assert_empty();
    // If a task were queued twice, this would not be next.
    let last = queue.task().await;
    queue.publish(&last).await;
    queue.assert_next(&last).await;
}

/// Its worker may be stuck: somebody else has to look at it then.
#[tokio::test]
async fn a_task_under_way_can_be_published_again() {
    let queue = InStore::start();
    let task = queue.task().await;
    queue.publish(&task).await;
    let under_way = queue.queue.receive().await.unwrap();
    queue.publish(&task).await;
    queue.assert_next(&task).await;
    under_way.ack().await;
}

/// The row is there: it is published again when it is overdue.
#[tokio::test]
async fn what_is_one_too_many_is_left_to_the_sweep() {
    let queue = InStore::with_capacity(2);
    let (first, second, third, fourth) = (
        queue.task().await,
        queue.task().await,
        queue.task().await,
        queue.task().await,
    );
    for task in [&first, &second, &third] {
        queue.publish(task).await;
    }
    queue.assert_next(&first).await;
    queue.assert_next(&second).await;
    // The third was left out, so the fourth is next.
    queue.publish(&fourth).await;
    queue.assert_next(&fourth).await;
    queue.publish(&third).await;
    queue.assert_next(&third).await;
}

#[tokio::test]
async fn what_points_to_no_task_is_refused() {
    let queue = InStore::start();
    for message in [
        "",
        "no message",
        "{}",
        "[]",
        r#"{"task_id":"a","user_id":"b"}"#,
    ] {
        let error = queue.queue.publish(message.into()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{message}");
    }
}

/// If the receiver that watches the timer leaves, another one has to take over.
#[tokio::test]
async fn a_delay_is_minded_by_whoever_is_left() {
    let queue = InStore::start();
    let task = queue.task().await;
    queue.publish(&task).await;
    let delivery = queue.queue.receive().await.unwrap();
    let mut first = queue.queue.receive();
    let mut second = queue.queue.receive();
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    delivery.nack(Duration::from_millis(20)).await;
    assert!((&mut first).now_or_never().is_none());
    drop(first);
    let again = tokio::time::timeout(Duration::from_secs(30), second).await;
    let again = again.expect("nobody minded it").unwrap();
    assert_eq!(again.work().task_id(), Some(&*task.id));
}

/// Any delay that a worker asks for must not overflow.
#[tokio::test]
async fn no_delay_is_too_long() {
    let queue = InStore::start();
    let (task, other) = (queue.task().await, queue.task().await);
    queue.publish(&task).await;
    let delivery = queue.queue.receive().await.unwrap();
    delivery.nack(Duration::MAX).await;
    queue.publish(&other).await;
    queue.assert_next(&other).await;
}

/// The next task is one of the user who was served longest ago, or never.
#[tokio::test]
async fn users_are_served_in_turn() {
    let queue = InStore::start();
    let mut tasks = Vec::new();
    for user in ["a", "a", "a", "b", "c", "b"] {
        tasks.push(queue.store.another(user).await);
    }
    for task in &tasks {
        queue.publish(task).await;
    }
    for next in [0, 3, 4, 1, 5, 2] {
        queue.assert_next(&tasks[next]).await;
    }
    queue.assert_empty();
}

/// The queue of a process that starts knows whom the one before has served.
#[tokio::test]
async fn who_was_served_before_the_start_comes_last() {
    let store = Store::<InMemory>::start();
    let served = ["a".to_owned(), "b".to_owned()].to_vec();
    let queue = Arc::new(StoreQueue::new(10).of(store.backend.store(), served));
    let queue = InStore { store, queue };
    let mut tasks = Vec::new();
    for user in ["b", "a", "c"] {
        tasks.push(queue.store.another(user).await);
    }
    for task in &tasks {
        queue.publish(task).await;
    }
    for next in [2, 1, 0] {
        let position = queue.queue.position(&tasks[next].id).await;
        assert!(position.unwrap().is_some());
        queue.assert_next(&tasks[next]).await;
    }
}

/// A store whose order is a task more each time that it is asked; it may not answer at all.
#[derive(Default)]
struct Growing {
    asked: AtomicUsize,
    answers: AtomicUsize,
}

impl Interceptor<dyn TaskStore> for Growing {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        _: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        assert!(matches!(
            operation,
            TaskOperation::ClaimOrder { limit: 1_000 }
        ));
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        match self.answers.load(Ordering::Relaxed) {
            0 => {
                let order: Vec<_> = (0..asked).rev().map(|task| task.to_string()).collect();
                ready(Ok(order.into())).boxed()
            }
            1 => ready(Err(CapabilityError::unavailable("It is away."))).boxed(),
            _ => pending().boxed(),
        }
    }
}

/// In virtual time.
#[tokio::test(start_paused = true)]
async fn many_who_watch_cost_one_query_in_two_seconds() {
    let growing = Arc::<Growing>::default();
    let store = Store::<InMemory>::start();
    let store = Arc::new(Intercepted::new(store.backend.store(), growing.clone()));
    let queue = StoreQueue::new(10).of(store, Vec::new());
    let positions = async || {
        let all = (0..1_000).map(|_| queue.position("0"));
        let mut all: Vec<_> = join_all(all).await;
        all.dedup();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    };
    for asked in 1..=3_u32 {
        assert_eq!(positions().await, Ok(Some(asked)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(positions().await, Ok(Some(asked)));
        assert_eq!(growing.asked.load(Ordering::Relaxed), asked as usize);
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    // One that the store did not name may be new.
    for asked in 4..=6_usize {
        for _ in 0..1_000 {
            assert_eq!(queue.position("another").await, Ok(None));
        }
        assert_eq!(growing.asked.load(Ordering::Relaxed), asked);
        tokio::time::advance(Duration::from_millis(201)).await;
    }
    // Nobody waits for a store that is away, and it is asked no more often.
    for answers in [1, 2] {
        growing.answers.store(answers, Ordering::Relaxed);
        let before = growing.asked.load(Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(3)).await;
        let begin = tokio::time::Instant::now();
        assert_eq!(positions().await, Ok(None));
        assert!(begin.elapsed() < Duration::from_secs(1));
        assert_eq!(growing.asked.load(Ordering::Relaxed), before + 1);
    }
}
