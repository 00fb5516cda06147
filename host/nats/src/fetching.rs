//! Fetches no more messages than receivers wait for, since a message that one host has fetched
//! is not available to others.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode};
use concept_refinement_capability::queue::Delivery;
use concept_refinement_capability::queue::waiting::Waiting;
use futures::StreamExt as _;
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::Connection;
use super::fault::Fault;
use super::receipt::Unanswered;

/// How long the server lets a fetch wait for a message. Until then a host that hangs is sent
/// messages, also those of the tasks that others are to take over from it.
const EXPIRY: Duration = Duration::from_secs(5);

/// How long a waiting fetch may get no response: the server should at least have said
/// that there is no message. A fetch can get lost in a failover between servers of a
/// cluster.
const SILENCE: Duration = Duration::from_secs(10);

/// Fetches that wait at the server for one host. It serves all hosts' in the order in which they
/// came, so with one for each receiver the host that was there first would get everything.
const AT_ONCE: usize = 2;

/// Delay before the next fetch after one failed.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Never completes; idle while no receiver waits.
pub(super) async fn run(connection: Arc<Connection>, waiting: Arc<Waiting>) {
    loop {
        waiting.receivers().await;
        if let Err(fault) = fetch(&connection, &waiting).await {
            waiting.fail(&fault.report());
        }
        sleep(RETRY_INTERVAL).await;
    }
}

/// Fetches until the connection or the stream is lost.
async fn fetch(connection: &Arc<Connection>, waiting: &Waiting) -> Result<(), Fault> {
    let mut changes = connection.changes();
    let (mut answers, inbox) = connection.subscribe().await?;
    // Fetches without a response so far.
    let mut open = 0_usize;
    let mut last = Instant::now();
    loop {
        if open == 0 {
            last = Instant::now();
        }
        while open < waiting.count().min(AT_ONCE) {
            connection.fetch(&inbox, EXPIRY).await?;
            open += 1;
        }
        tokio::select! {
            answer = answers.next() => {
                let Some(message) = answer else { return Ok(()) };
                last = Instant::now();
                match message.status {
                    None | Some(StatusCode::OK) => {
                        open = open.saturating_sub(1);
                        waiting.hand(delivery(connection, message));
                    }
                    // The fetch expired without a message.
                    Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                        open = open.saturating_sub(1);
                    }
                    // The consumer was deleted or moved, or a server shuts down.
                    Some(status) => {
                        let reason = message.description.as_deref();
                        tracing::debug!(%status, reason, "fetching again");
                        connection.forget();
                        return Ok(());
                    }
                }
            }
            () = waiting.joined() => {}
            changed = changes.changed() => {
                return changed.map_err(|_| Fault::Disconnected);
            }
            () = sleep_until(last + SILENCE), if open > 0 => {
                connection.reset().await;
                return Ok(());
            }
        }
    }
}

fn delivery(connection: &Arc<Connection>, message: Message) -> Delivery {
    let acker = connection.acker(message.reply);
    let receipt = Unanswered::new(Arc::clone(connection), acker);
    Delivery::of_message(&message.payload, Box::new(receipt))
}
