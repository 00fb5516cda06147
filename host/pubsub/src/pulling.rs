//! Pulls one message for each waiting receiver and no more, since a message that one host
//! has pulled is not available to others.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::queue::Delivery;
use concept_refinement_capability::queue::waiting::Waiting;
use tokio::time::sleep;

use super::api::{Api, Received};
use super::fault::Fault;
use super::receipt::Unanswered;

/// Delay after a pull that failed.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Delay after a pull without messages.
const EMPTY_INTERVAL: Duration = Duration::from_millis(100);

pub(super) struct Pulling {
    pub(super) api: Arc<Api>,
    pub(super) waiting: Arc<Waiting>,
}

impl Pulling {
    /// Never completes; idle while no receiver waits.
    pub(super) async fn run(self) {
        loop {
            let most = self.waiting.count();
            if most == 0 {
                self.waiting.joined().await;
                continue;
            }
            match self.api.pull(most).await {
                // Usually the server waits for a message, but not if it has many pulls.
                Ok(received) if received.is_empty() => sleep(EMPTY_INTERVAL).await,
                Ok(received) => received
                    .into_iter()
                    .for_each(|received| self.deliver(&received)),
                Err(fault) => self.fail(fault).await,
            }
        }
    }

    async fn fail(&self, fault: Fault) {
        self.waiting.fail(&fault.report());
        sleep(RETRY_INTERVAL).await;
    }

    fn deliver(&self, received: &Received) {
        let receipt = Unanswered::new(Arc::clone(&self.api), received.ack_id.clone());
        let delivery = Delivery::of_message(&received.contents(), Box::new(receipt));
        self.waiting.hand(delivery);
    }
}
