//! The queue inside an embedded task store.
//!
//! The rows are the queue: they are durable, and `recover` and `due` find the tasks that
//! need a message. This module keeps only their order, in memory, so that workers are
//! woken instead of polling: the next task is one of the user who was served longest ago.

mod delay_queue;
pub mod engine;
mod lines;

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::queue::positions::Positions;
use concept_refinement_capability::queue::{Delivery, Receipt, TaskQueue, Work, task_named_by};
use concept_refinement_capability::runtime::{Runtime, Tokio};
use concept_refinement_capability::tasks::Maintenance;
use concept_refinement_domain::capability::{CapabilityError, Lease};
use concept_refinement_domain::message::Parsed;
use futures::FutureExt;
use futures::future::{self, BoxFuture};

use delay_queue::{DelayQueue, Entry};

pub(crate) use lines::MAX_TURNS;

/// The queue inside a task store.
pub struct StoreQueue {
    delay_queue: Arc<DelayQueue>,
    /// None: nobody is told.
    positions: Option<Positions>,
}

impl StoreQueue {
    /// Holds at most `capacity` tasks. Further ones are not refused, because their rows
    /// are stored: they are published again when they are overdue.
    pub fn new(capacity: usize) -> Self {
        Self::on(Arc::new(Tokio::default()), capacity)
    }

    /// The same with another timer than tokio's.
    pub fn on(runtime: Arc<dyn Runtime>, capacity: usize) -> Self {
        Self {
            delay_queue: Arc::new(DelayQueue::new(runtime, capacity)),
            positions: None,
        }
    }

    /// The queue of this store, which tells positions. `last_claims`: the users who had a task
    /// claimed last, the latest at the end.
    #[must_use]
    pub fn of(self, store: Arc<dyn Maintenance>, last_claims: Vec<String>) -> Self {
        for user_id in last_claims {
            self.delay_queue.served(user_id);
        }
        Self {
            positions: Some(Positions::of(store)),
            ..self
        }
    }

    async fn next(&self) -> Result<Delivery, CapabilityError> {
        let entry = self.delay_queue.next().await;
        let named = Parsed::Valid {
            task_id: entry.task_id.clone(),
            user_id: entry.user_id.clone(),
        };
        let taken = Taken {
            delay_queue: Arc::clone(&self.delay_queue),
            entry,
        };
        Ok(Delivery::new(Work::Message(named), Box::new(taken)))
    }
}

impl TaskQueue for StoreQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        let published = task_named_by(&message).map(|(task_id, user_id)| {
            self.delay_queue.add(Entry { task_id, user_id });
        });
        future::ready(published).boxed()
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        Box::pin(self.next())
    }

    fn position<'a>(&'a self, task_id: &'a str) -> Answer<'a, Option<u32>> {
        Box::pin(async move {
            Ok(match &self.positions {
                Some(positions) => positions.position(task_id).await,
                None => None,
            })
        })
    }

    /// The queue works if the store does, which is checked separately.
    fn check(&self) -> Answer<'_, ()> {
        future::ready(Ok(())).boxed()
    }

    fn length(&self) -> Answer<'_, Option<u64>> {
        future::ready(Ok(Some(self.delay_queue.length()))).boxed()
    }
}

/// A delivered task that is neither acked nor nacked yet.
struct Taken {
    delay_queue: Arc<DelayQueue>,
    entry: Entry,
}

impl Receipt for Taken {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        future::ready(()).boxed()
    }

    fn nack(self: Box<Self>, delay: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
        self.delay_queue.add_later(self.entry, delay);
        future::ready(()).boxed()
    }
}
