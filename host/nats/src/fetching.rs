//! Fetches a message for each receiver that waits, and no more: what a host has
//! fetched, no other host gets.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode};
use concept_refinement_capability::queue::waiting::Waiting;
use concept_refinement_capability::queue::{Delivery, task_of};
use futures::StreamExt as _;
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::Connection;
use super::fault::Fault;
use super::receipt::Unanswered;

/// How long the server lets a fetch wait for a message.
const EXPIRY: Duration = Duration::from_secs(20);

/// How long nothing may come while a fetch waits: by then the server has said at
/// least that there was no message. A fetch can get lost where servers of a
/// cluster take over from each other.
const SILENCE: Duration = Duration::from_secs(25);

/// Between two attempts to fetch where the last one was to no purpose.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

pub(super) struct Fetching {
    pub(super) connection: Arc<Connection>,
    pub(super) waiting: Arc<Waiting>,
}

impl Fetching {
    /// Never ends; idle as long as nobody waits.
    pub(super) async fn run(self) {
        loop {
            while self.waiting.count() == 0 {
                self.waiting.joined().await;
            }
            if let Err(fault) = self.fetch().await {
                self.waiting.fail(&fault.report());
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    /// Fetches over one connection until it ends, or the stream does.
    async fn fetch(&self) -> Result<(), Fault> {
        let mut changes = self.connection.changes();
        let (mut answers, inbox) = self.connection.subscribe().await?;
        // Fetches that the server has not answered yet.
        let mut open = 0_usize;
        let mut last = Instant::now();
        loop {
            if open == 0 {
                last = Instant::now();
            }
            while open < self.waiting.count() {
                self.connection.fetch(&inbox, EXPIRY).await?;
                open += 1;
            }
            tokio::select! {
                answer = answers.next() => {
                    let Some(message) = answer else { return Ok(()) };
                    last = Instant::now();
                    match message.status {
                        None | Some(StatusCode::OK) => {
                            open = open.saturating_sub(1);
                            self.deliver(message);
                        }
                        // There was no message for so long.
                        Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                            open = open.saturating_sub(1);
                        }
                        // The consumer was deleted or has moved, or a server stops.
                        Some(status) => {
                            let reason = message.description.as_deref();
                            tracing::debug!(%status, reason, "fetching again");
                            self.connection.forget();
                            return Ok(());
                        }
                    }
                }
                () = self.waiting.joined() => {}
                changed = changes.changed() => {
                    return changed.map_err(|_| Fault::Disconnected);
                }
                () = sleep_until(last + SILENCE), if open > 0 => {
                    self.connection.reset().await;
                    return Ok(());
                }
            }
        }
    }

    fn deliver(&self, message: Message) {
        let acker = self.connection.acker(message.reply);
        let receipt = Unanswered::new(Arc::clone(&self.connection), acker);
        let contents = Vec::from(message.payload);
        let task_id = task_of(&contents);
        self.waiting
            .hand(Delivery::new(task_id, contents, Box::new(receipt)));
    }
}
