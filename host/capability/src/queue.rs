//! Delivers "look at this task" to a worker, at least once, in no guaranteed
//! order. `wit/task-queue.wit` has the promises.
//!
//! A queue may lose, repeat or delay messages: the claim decides who works on a
//! task, and an overdue task is published again.

mod operation;
pub mod positions;
pub mod pushes;
pub mod recent_fault;
pub mod waiting;

use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, Claimed, Lease};
use concept_refinement_domain::message::{self, Parsed};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use super::Answer;

pub use operation::{QueueOperation, QueueReply};

/// Limit for the delay that a worker may request.
const MAX_DELAY: Duration = Duration::from_secs(60 * 60);

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

    /// Where a pending task is among those that wait: 1 is claimed next. It may be 2 s old.
    /// None: this queue does not know it, or it is too far behind.
    fn position<'a>(&'a self, _task_id: &'a str) -> Answer<'a, Option<u32>> {
        Box::pin(async { Ok(None) })
    }

    /// How many messages it holds, if known. Fails if `check` fails.
    fn length(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async { self.check().await.map(|()| None) })
    }
}

/// The task and its user that a message names.
///
/// # Errors
///
/// It names none.
pub fn task_named_by(message: &[u8]) -> Result<(String, String), CapabilityError> {
    match message::parse(message) {
        Parsed::Valid { task_id, user_id } => Ok((task_id, user_id)),
        Parsed::Unusable { .. } | Parsed::Nonsense => Err(CapabilityError::invalid(
            "The message does not point to a task.",
        )),
    }
}

/// Something to work on, which must be acked or nacked. If it is dropped instead, it is
/// delivered again a little later.
pub struct Delivery {
    work: Work,
    acknowledgement: Acknowledgement,
}

/// What a worker is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A task that the queue has claimed for the worker, in the same step that fetched it.
    Claimed(Box<Claimed>),
    /// What a message says: its task is still to be claimed.
    Message(Parsed),
}

/// How a worker answers for a delivery.
pub struct Acknowledgement {
    receipt: Option<Box<dyn Receipt>>,
    /// The claim that came with the delivery, until a worker has taken it.
    unused: Option<Lease>,
    /// The runtime on which it is nacked if dropped, whichever thread drops it.
    runtime: Option<Handle>,
}

/// How a backend acks or nacks a delivery. Errors are not reported: an
/// unanswered message is delivered again.
pub trait Receipt: Send {
    /// The message is done.
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()>;

    /// The message is to be delivered again after the delay, an hour at most. `unused`: the
    /// claim that came with it and that no worker has taken, to be released.
    fn nack(self: Box<Self>, delay: Duration, unused: Option<Lease>) -> BoxFuture<'static, ()>;
}

impl Delivery {
    /// What a backend delivers.
    pub fn new(work: Work, receipt: Box<dyn Receipt>) -> Self {
        let unused = match &work {
            Work::Claimed(claimed) => Some(claimed.lease.clone()),
            Work::Message(_) => None,
        };
        Self {
            work,
            acknowledgement: Acknowledgement {
                receipt: Some(receipt),
                unused,
                runtime: Handle::try_current().ok(),
            },
        }
    }

    /// A message as it was published.
    pub fn of_message(message: &[u8], receipt: Box<dyn Receipt>) -> Self {
        Self::new(Work::Message(message::parse(message)), receipt)
    }

    /// What it is about.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Hands the work to a worker, which from now on answers for the claim, if there is one.
    pub fn begin(mut self) -> (Work, Acknowledgement) {
        self.acknowledgement.unused = None;
        (self.work, self.acknowledgement)
    }

    /// It is not delivered again.
    pub async fn ack(self) {
        self.acknowledgement.ack().await;
    }

    /// It is delivered again after this delay, or after an hour if it is longer.
    pub async fn nack(self, delay: Duration) {
        self.acknowledgement.nack(delay).await;
    }
}

impl Work {
    /// The task, if one is named.
    pub fn task_id(&self) -> Option<&str> {
        match self {
            Self::Claimed(claimed) => Some(&claimed.lease.task_id),
            Self::Message(Parsed::Valid { task_id, .. }) => Some(task_id),
            Self::Message(Parsed::Unusable { task_id, .. }) => task_id.as_deref(),
            Self::Message(Parsed::Nonsense) => None,
        }
    }
}

impl Acknowledgement {
    /// The work is done; it is not delivered again.
    pub async fn ack(mut self) {
        if let Some(receipt) = self.receipt.take() {
            receipt.ack().await;
        }
    }

    /// It is delivered again after this delay.
    pub async fn nack(mut self, delay: Duration) {
        if let Some(receipt) = self.receipt.take() {
            let delay = delay.min(MAX_DELAY);
            receipt.nack(delay, self.unused.take()).await;
        }
    }
}

impl Drop for Acknowledgement {
    fn drop(&mut self) {
        if let Some(receipt) = self.receipt.take() {
            let again = receipt.nack(REDELIVERY_DELAY, self.unused.take());
            match &self.runtime {
                Some(runtime) => drop(runtime.spawn(again)),
                None => drop(again.now_or_never()),
            }
        }
    }
}
