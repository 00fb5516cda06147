//! What serves until it is told to stop: where it listens, what goes on in it,
//! and how that ends.

use std::future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::capability::tasks::watchers::Watchers;
use crate::wasm::engine::Engine;

/// How long a stop waits for what is under way. The rest of the 30 s that it
/// may take (contract, section 4) is for giving back what was not finished.
const GRACE: Duration = Duration::from_secs(28);

/// A server at work. Dropping it ends its tasks without waiting; what was
/// accepted stays stored.
pub struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) stop: watch::Sender<bool>,
    /// Cancelled when what is under way is to be let go of.
    pub(crate) over: CancellationToken,
    pub(crate) triggers: Vec<JoinHandle<()>>,
    pub(crate) _scrapers: Option<AbortOnDropHandle<()>>,
    /// Ends last: instances run on it.
    pub(crate) _engine: Engine,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more work, finishes what is under way or gives it back at the
    /// end of the grace, and ends.
    pub async fn stop(self) {
        self.stop_sooner(future::pending()).await;
    }

    /// The same, with a grace that is over as soon as `hurry` is.
    pub async fn stop_sooner(mut self, hurry: impl Future<Output = ()>) {
        self.stop.send_replace(true);
        self.watchers.send_away();
        let triggers = &mut self.triggers;
        let mut ended = pin!(async {
            for trigger in triggers {
                if let Err(error) = trigger.await {
                    tracing::error!(%error, "a trigger ended early");
                }
            }
        });
        tokio::select! {
            () = &mut ended => return,
            () = tokio::time::sleep(GRACE) => {}
            () = hurry => {}
        }
        self.over.cancel();
        ended.await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        for trigger in &self.triggers {
            trigger.abort();
        }
    }
}
