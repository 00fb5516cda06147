//! Delivers "look at this task" to a worker, at least once, in no guaranteed
//! order. `wit/task-queue.wit` has the promises.
//!
//! A queue may lose, repeat or delay messages: the claim decides who works on a
//! task, and an overdue task is published again.

mod operation;
pub mod pushes;
pub mod waiting;

use std::time::Duration;

use concept_refinement_domain::message::{self, Parsed};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use super::Answer;

pub use operation::{QueueOperation, QueueReply};

/// Delay until a delivery that was neither acked nor nacked is repeated.
const REDELIVERY_DELAY: Duration = Duration::from_secs(1);

/// Carries messages to workers.
pub trait TaskQueue: Send + Sync {
    /// Publishing again delivers the message again, which is harmless.
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()>;

    /// Waits for the next message. Cancel-safe.
    fn receive(&self) -> Answer<'_, Delivery>;

    /// Whether the queue can be used: a full one cannot.
    fn check(&self) -> Answer<'_, ()>;

    /// How many messages it holds, if known. Fails if `check` fails.
    fn length(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async { self.check().await.map(|()| None) })
    }
}

/// A delivered message, which must be acked or nacked. If it is dropped
/// instead, it is delivered again a little later.
pub struct Delivery {
    /// The task that the message points to, if it names one. The queue extracts it once,
    /// so that nobody has to parse the message again.
    pub task_id: Option<String>,
    /// As it was published.
    pub message: Vec<u8>,
    unanswered: Unanswered,
}

/// A receipt until its delivery is acked or nacked.
struct Unanswered {
    receipt: Option<Box<dyn Receipt>>,
    /// The runtime on which it is nacked if dropped, whichever thread drops it.
    runtime: Option<Handle>,
}

/// How a backend acks or nacks a delivery. Errors are not reported: an
/// unanswered message is delivered again.
pub trait Receipt: Send {
    /// The message is done.
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()>;

    /// The message is to be delivered again after the delay.
    fn nack(self: Box<Self>, delay: Duration) -> BoxFuture<'static, ()>;
}

impl Delivery {
    /// A message that a backend delivers.
    pub fn new(task_id: Option<String>, message: Vec<u8>, receipt: Box<dyn Receipt>) -> Self {
        Self {
            task_id,
            message,
            unanswered: Unanswered {
                receipt: Some(receipt),
                runtime: Handle::try_current().ok(),
            },
        }
    }

    /// The message is processed; it is not delivered again.
    pub async fn ack(mut self) {
        if let Some(receipt) = self.unanswered.receipt.take() {
            receipt.ack().await;
        }
    }

    /// The message is delivered again after this delay.
    pub async fn nack(mut self, delay: Duration) {
        if let Some(receipt) = self.unanswered.receipt.take() {
            receipt.nack(delay).await;
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(receipt) = self.receipt.take() {
            let again = receipt.nack(REDELIVERY_DELAY);
            match &self.runtime {
                Some(runtime) => drop(runtime.spawn(again)),
                None => drop(again.now_or_never()),
            }
        }
    }
}

/// The task that a message names, for [`Delivery::task_id`].
pub fn task_of(message: &[u8]) -> Option<String> {
    match message::parse(message) {
        Parsed::Valid { task_id, .. } => Some(task_id),
        Parsed::Unusable { task_id, .. } => task_id,
        Parsed::Nonsense => None,
    }
}
