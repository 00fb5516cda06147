//! Carries "look at this task" to a worker: at least once, in no order that
//! anything may rely on. The promises stand in `wit/task-queue.wit`.
//!
//! A queue may lose, repeat or delay: what decides is the claim, and what was
//! lost is published again when it is overdue.

mod link;
mod operation;
pub mod store;

use std::time::Duration;

use futures::future::BoxFuture;

use super::Answer;

pub use operation::{QueueOperation, QueueReply};

/// Carries messages to workers.
pub trait TaskQueue: Send + Sync {
    /// A repeat delivers the message again, which is harmless.
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()>;

    /// Waits for the next message. It may be dropped while it waits, and loses
    /// nothing by that.
    fn receive(&self) -> Answer<'_, Delivery>;

    /// Whether the queue can be used.
    fn check(&self) -> Answer<'_, ()>;
}

/// A message that was delivered, and is to be answered. Dropped unanswered, it
/// is delivered again a little later.
pub struct Delivery {
    /// The task that the message points to, if it names one. The queue tells it
    /// apart, so that nobody has to look into the message again.
    pub task_id: Option<String>,
    /// As it was published.
    pub message: Vec<u8>,
    receipt: Box<dyn Receipt>,
}

/// A backend's way to answer a delivery. Neither can fail for the worker: a
/// message that stays unanswered comes again.
pub trait Receipt: Send {
    /// The message is dealt with.
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()>;

    /// The message is to be delivered again, after the delay.
    fn nack(self: Box<Self>, delay: Duration) -> BoxFuture<'static, ()>;
}

impl Delivery {
    /// A message that a backend delivers.
    pub fn new(task_id: Option<String>, message: Vec<u8>, receipt: Box<dyn Receipt>) -> Self {
        Self {
            task_id,
            message,
            receipt,
        }
    }

    /// It is dealt with: do not deliver it again.
    pub async fn ack(self) {
        self.receipt.ack().await;
    }

    /// Deliver it again, after a while.
    pub async fn nack(self, delay: Duration) {
        self.receipt.nack(delay).await;
    }
}
