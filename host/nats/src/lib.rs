//! The queue in NATS JetStream, for hosts that share one.
//!
//! A stream with work-queue retention holds the messages, and all hosts fetch from one
//! consumer of it. A delivered message belongs to its worker as long as the worker
//! reports progress every few seconds; otherwise it is delivered again. JetStream
//! acknowledges a message before it is safe from a power loss, so a server may lose some:
//! overdue tasks are published again.
//!
//! Nothing here may wait longer than the deadline of a call. A server that cannot be
//! reached is an error, and is reconnected in the background.

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

pub use address::Address;
use connection::Connection;

use concept_refinement_capability::Answer;
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::queue::waiting::Fetching;
use concept_refinement_capability::queue::{Delivery, TaskQueue};

/// Timeout of a call. An API call has 3 s to report that the queue is unavailable.
const DEADLINE: Duration = Duration::from_secs(2);

/// A queue in JetStream.
pub struct NatsQueue {
    connection: Arc<Connection>,
    fetching: Fetching,
}

impl NatsQueue {
    /// Connects, and creates the stream and its consumer if they do not exist. If no
    /// server can be reached, connecting continues in the background.
    ///
    /// # Errors
    ///
    /// Errors that trying again does not cure: refused credentials or certificates, or a
    /// stream or consumer with unsuitable settings.
    pub async fn open(address: Address) -> Result<Self, OpenError> {
        let connection = Arc::new(Connection::open(address).await?);
        let fetching = Fetching::start(|waiting| fetching::run(Arc::clone(&connection), waiting));
        Ok(Self {
            connection,
            fetching,
        })
    }
}

impl TaskQueue for NatsQueue {
    /// The message gets no id: JetStream would treat a task that is published again as a
    /// duplicate, and drop it.
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        let message = Bytes::from(message);
        Box::pin(
            self.connection
                .call(move |connection| connection.publish(message.clone())),
        )
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        Box::pin(self.fetching.next())
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async { self.length().await.map(drop) })
    }

    fn length(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async {
            let length = self.connection.call(Connection::look).await?;
            self.connection.allowed().map(|()| Some(length))
        })
    }
}
