//! Pulls one message for each waiting receiver and no more, since a message that one host
//! has pulled is not available to others.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::queue::Delivery;
use concept_refinement_capability::queue::recent_fault::RecentFault;
use concept_refinement_capability::queue::waiting::Waiting;
use tokio::time::sleep;

use super::api::{Api, Received};
use super::fault::reported;
use super::receipt::Unanswered;

/// Delay after a pull that failed.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Delay after a pull without messages.
const EMPTY_INTERVAL: Duration = Duration::from_millis(100);

/// Never completes; idle while no receiver waits.
pub(super) async fn run(api: Arc<Api>, waiting: Arc<Waiting>, refusals: Arc<RecentFault>) {
    loop {
        let most = waiting.receivers().await;
        match reported(api.pull(most).await, &refusals) {
            // Usually the server waits for a message, but not if it has many pulls.
            Ok(received) if received.is_empty() => sleep(EMPTY_INTERVAL).await,
            Ok(received) => {
                for received in received {
                    waiting.hand(delivery(&api, &received));
                }
            }
            Err(error) => {
                waiting.fail(&error);
                sleep(RETRY_INTERVAL).await;
            }
        }
    }
}

fn delivery(api: &Arc<Api>, received: &Received) -> Delivery {
    let receipt = Unanswered::new(Arc::clone(api), received.ack_id.clone());
    Delivery::of_message(&received.contents(), Box::new(receipt))
}
