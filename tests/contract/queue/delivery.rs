//! What is published is delivered, until it is acknowledged.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_capability::queue::{Delivery, TaskQueue};
use futures::FutureExt;

use super::QueueBackend;
use crate::tasks::at_once;

/// The next delivery; a fault, not a hang, if there is none.
async fn receive(queue: &Arc<dyn TaskQueue>) -> Delivery {
    tokio::time::timeout(Duration::from_secs(60), queue.receive())
        .await
        .expect("nothing was delivered")
        .unwrap()
}

fn task_of(delivery: &Delivery) -> String {
    delivery.work().task_id().unwrap().to_owned()
}

async fn publish<B: QueueBackend>(backend: &B) -> String {
    let (id, message) = backend.message().await;
    backend.queue().publish(message).await.unwrap();
    id
}

pub async fn each_message_is_delivered<B: QueueBackend>() {
    let backend = B::start();
    let mut expected = HashSet::new();
    for _ in 0..100 {
        expected.insert(publish(&backend).await);
    }
    while !expected.is_empty() {
        let delivery = receive(&backend.queue()).await;
        expected.remove(&task_of(&delivery));
        delivery.ack().await;
    }
}

pub async fn who_waits_is_woken<B: QueueBackend>() {
    let backend = B::start();
    let queue = backend.queue();
    for _ in 0..10 {
        let mut waiting = Box::pin(queue.receive());
        assert!((&mut waiting).now_or_never().is_none());
        let id = publish(&backend).await;
        let delivery = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        let delivery = delivery.expect("nobody woke it").unwrap();
        assert_eq!(task_of(&delivery), id);
        delivery.ack().await;
    }
}

pub async fn many_receivers_share_the_messages<B: QueueBackend>() {
    const MESSAGES: usize = 40;
    let backend = B::start();
    let receiving = tokio::spawn(at_once(MESSAGES, {
        let queue = backend.queue();
        move |_| {
            let queue = queue.clone();
            async move {
                let delivery = receive(&queue).await;
                let id = task_of(&delivery);
                delivery.ack().await;
                id
            }
        }
    }));
    let mut expected = HashSet::new();
    for _ in 0..MESSAGES {
        expected.insert(publish(&backend).await);
    }
    let received: HashSet<_> = receiving.await.unwrap().into_iter().collect();
    assert_eq!(received, expected);
}

pub async fn an_acknowledged_message_is_done<B: QueueBackend>() {
    let backend = B::start();
    let mut done = HashSet::new();
    for _ in 0..20 {
        let id = publish(&backend).await;
        let delivery = receive(&backend.queue()).await;
        assert_eq!(task_of(&delivery), id, "{} was done", task_of(&delivery));
        delivery.ack().await;
        assert!(done.insert(id));
    }
}

pub async fn a_refused_message_comes_again_after_a_while<B: QueueBackend>() {
    const DELAY: Duration = Duration::from_millis(50);
    let backend = B::start();
    let refused = publish(&backend).await;
    let delivery = receive(&backend.queue()).await;
    let since = Instant::now();
    delivery.nack(DELAY).await;
    let delivery = receive(&backend.queue()).await;
    assert!(since.elapsed() >= DELAY);
    assert_eq!(task_of(&delivery), refused);
    delivery.nack(Duration::ZERO).await;
    let delivery = receive(&backend.queue()).await;
    assert_eq!(task_of(&delivery), refused);

    // Meanwhile it holds up nobody else.
    delivery.nack(Duration::from_secs(60 * 60)).await;
    let other = publish(&backend).await;
    let delivery = receive(&backend.queue()).await;
    assert_eq!(task_of(&delivery), other);
    delivery.ack().await;
}

pub async fn an_unanswered_message_comes_again<B: QueueBackend>() {
    let backend = B::start();
    let id = publish(&backend).await;
    drop(receive(&backend.queue()).await);
    let again = receive(&backend.queue()).await;
    assert_eq!(task_of(&again), id);
    again.ack().await;
}

pub async fn who_stops_waiting_loses_nothing<B: QueueBackend>() {
    let backend = B::start();
    let queue = backend.queue();
    for _ in 0..20 {
        let mut gone = queue.receive();
        let mut stays = queue.receive();
        assert!((&mut gone).now_or_never().is_none());
        assert!((&mut stays).now_or_never().is_none());
        let id = publish(&backend).await;
        drop(gone);
        let delivery = tokio::time::timeout(Duration::from_secs(60), stays).await;
        let delivery = delivery.expect("the message went with who left").unwrap();
        assert_eq!(task_of(&delivery), id);
        delivery.ack().await;
    }
}

pub async fn a_checked_queue_can_be_used<B: QueueBackend>() {
    let backend = B::start();
    assert_eq!(backend.queue().check().await, Ok(()));
}
