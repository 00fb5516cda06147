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
use std::time::Duration;

use api::Api;
use fault::{Fault, reported};
pub use target::Target;

use concept_refinement_capability::Answer;
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::queue::recent_fault::RecentFault;
use concept_refinement_capability::queue::waiting::Fetching;
use concept_refinement_capability::queue::{Delivery, TaskQueue};

/// How long a refused publish or pull tells that the queue cannot be used: longer than from one
/// pull to the next, and not for long after they are allowed.
const REFUSAL: Duration = Duration::from_secs(4);

/// A queue in Pub/Sub.
pub struct PubSubQueue {
    api: Arc<Api>,
    /// None: messages are not pulled.
    pulling: Option<Fetching>,
    /// Refusals of what was published, and of pulls.
    published: RecentFault,
    pulled: Arc<RecentFault>,
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
        let is_pulled = api.target.subscription.is_some();
        let pulled = Arc::new(RecentFault::lasting(REFUSAL));
        let pulling = || {
            Fetching::start(|waiting| pulling::run(Arc::clone(&api), waiting, Arc::clone(&pulled)))
        };
        let pulling = is_pulled.then(pulling);
        Ok(Self {
            api,
            pulling,
            published: RecentFault::lasting(REFUSAL),
            pulled,
        })
    }
}

impl TaskQueue for PubSubQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        Box::pin(async move { reported(self.api.publish(&message).await, &self.published) })
    }

    /// Never completes if messages are not pulled.
    fn receive(&self) -> Answer<'_, Delivery> {
        match &self.pulling {
            Some(pulling) => Box::pin(pulling.next()),
            None => Box::pin(pending()),
        }
    }

    /// Reading the settings needs other rights than publishing and pulling.
    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.api.look().await.map_err(Fault::report)?;
            self.published.check()?;
            self.pulled.check()
        })
    }
}
