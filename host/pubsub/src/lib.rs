//! The queue in Google Pub/Sub, over its REST API.
//!
//! Messages are published to a topic. They are delivered by push, which another part of
//! the host receives (see [`concept_refinement_capability::queue::pushes`]), or pulled
//! from a subscription where the workers cannot be reached from outside. Pub/Sub may
//! deliver a message twice, and late; overdue tasks are published again in any case.
//!
//! Credentials are found in the same way as Google's own tools do, and never sent to an
//! endpoint without TLS. Each call has a deadline, after which its connection is closed.

mod api;
mod credentials;
pub mod engine;
mod fault;
mod http;
mod pulling;
mod receipt;
mod target;

use std::future::pending;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use api::Api;
use fault::Fault;
pub use target::Target;

use concept_refinement_capability::Answer;
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::queue::waiting::Waiting;
use concept_refinement_capability::queue::{Delivery, TaskQueue};

/// A queue in Pub/Sub.
pub struct PubSubQueue {
    api: Arc<Api>,
    /// None: messages are not pulled.
    pulled: Option<Pulled>,
}

struct Pulled {
    waiting: Arc<Waiting>,
    /// Aborted when the queue is dropped.
    _pulling: AbortOnDropHandle<()>,
}

impl PubSubQueue {
    /// Checks the topic and the subscription. If they cannot be reached, each call tries
    /// again.
    ///
    /// # Errors
    ///
    /// Errors that trying again does not cure: no usable credentials, or no such topic or
    /// subscription.
    pub async fn open(target: Target) -> Result<Self, OpenError> {
        let api = Arc::new(Api::open(target).await?);
        let pulled = api.target.subscription.is_some().then(|| {
            let waiting = Arc::<Waiting>::default();
            let pulling = pulling::run(Arc::clone(&api), Arc::clone(&waiting));
            Pulled {
                waiting,
                _pulling: AbortOnDropHandle::new(tokio::spawn(pulling)),
            }
        });
        Ok(Self { api, pulled })
    }
}

impl TaskQueue for PubSubQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        Box::pin(async move { self.api.publish(&message).await.map_err(Fault::report) })
    }

    /// Never completes if messages are not pulled.
    fn receive(&self) -> Answer<'_, Delivery> {
        match &self.pulled {
            Some(pulled) => Box::pin(pulled.waiting.next()),
            None => Box::pin(pending()),
        }
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async { self.api.look().await.map_err(Fault::report) })
    }
}
