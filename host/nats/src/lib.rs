//! The queue in NATS JetStream, for hosts that share one.
//!
//! A stream with the retention of a work queue holds the messages, and all hosts
//! fetch from one consumer of it. A message that was delivered belongs to its
//! worker as long as that says, every few seconds, that it is at work; else it is
//! delivered again. JetStream acknowledges a message before it is safe from a
//! power cut, so a server may forget some: an overdue task is published again.
//!
//! Nothing here may wait longer than the deadline of a call. A server that cannot be
//! reached is a fault, and is connected to again in the background.

mod address;
mod connection;
pub mod engine;
mod fault;
mod fetching;
mod receipt;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use tokio_util::task::AbortOnDropHandle;

pub use address::Address;
use connection::Connection;
use fault::Fault;
use fetching::Fetching;

use concept_refinement_capability::Answer;
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::queue::waiting::Waiting;
use concept_refinement_capability::queue::{Delivery, TaskQueue};

/// How long a call may take. An API call has 3 s to say that the queue is away.
const DEADLINE: Duration = Duration::from_secs(2);

/// A queue in JetStream.
pub struct NatsQueue {
    connection: Arc<Connection>,
    waiting: Arc<Waiting>,
    /// Ends with the queue.
    _fetching: AbortOnDropHandle<()>,
}

impl NatsQueue {
    /// Connects, and makes the stream and its consumer if they are not there. A
    /// server that cannot be reached is tried again in the background.
    ///
    /// # Errors
    ///
    /// What trying again does not cure: credentials or a certificate that are
    /// refused, a stream or a consumer that is not as it has to be.
    pub async fn open(address: Address) -> Result<Self, OpenError> {
        let connection = Arc::new(Connection::open(address).await?);
        let waiting = Arc::<Waiting>::default();
        let fetching = Fetching {
            connection: Arc::clone(&connection),
            waiting: Arc::clone(&waiting),
        };
        Ok(Self {
            connection,
            waiting,
            _fetching: AbortOnDropHandle::new(tokio::spawn(fetching.run())),
        })
    }
}

impl TaskQueue for NatsQueue {
    /// No id is given to the message: JetStream would take a task that is
    /// published again for a duplicate, and drop it.
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        let message = Bytes::from(message);
        Box::pin(
            self.connection
                .call(move |connection| connection.publish(message.clone())),
        )
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        Box::pin(async { self.waiting.next().await.ok_or_else(gone)? })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async { self.length().await.map(drop) })
    }

    fn length(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async { self.connection.call(Connection::look).await.map(Some) })
    }
}

/// What fetches has ended, as it does with the process.
fn gone() -> CapabilityError {
    Fault::Disconnected.report()
}
