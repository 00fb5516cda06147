//! Bounds the number of watchers, and disconnects all of them at a stop.

use std::sync::Arc;

use concept_refinement_domain::capability::CapabilityError;
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::Changes;

/// As many as there can be connections; an HTTP/2 connection with several
/// streams counts several times. Each watcher needs some memory.
const MAX_WATCHERS: usize = 4096;

pub struct Watchers {
    free: Arc<Semaphore>,
    leave: CancellationToken,
}

/// A slot for one watcher, free again when dropped.
pub struct Slot {
    _permit: OwnedSemaphorePermit,
    leave: CancellationToken,
}

impl Watchers {
    pub fn new(most: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            leave: CancellationToken::new(),
        }
    }

    /// Fails if there are too many watchers.
    pub fn admit(&self) -> Result<Slot, CapabilityError> {
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            CapabilityError::unavailable("Too many tasks are being watched. Try again later.")
        })?;
        Ok(Slot {
            _permit: permit,
            leave: self.leave.clone(),
        })
    }

    /// Ends all current and future streams, because the host stops; clients
    /// then reconnect.
    pub fn disconnect_all(&self) {
        self.leave.cancel();
    }
}

impl Default for Watchers {
    fn default() -> Self {
        Self::new(MAX_WATCHERS)
    }
}

impl Slot {
    /// Ties the slot to the stream of changes.
    pub fn hold(self, changes: Changes) -> Changes {
        let leave = self.leave.clone().cancelled_owned();
        let changes = changes.take_until(leave);
        Box::pin(changes.map(move |change| {
            let _held = &self;
            change
        }))
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::task::{Change, Stage};
    use futures::{FutureExt as _, stream};

    use super::*;

    fn changes() -> Changes {
        let told = stream::iter([Change::Progress(Stage::Refining)]);
        Box::pin(told.chain(stream::pending()))
    }

    #[tokio::test]
    async fn who_leaves_makes_room() {
        let watchers = Watchers::new(2);
        let first = watchers.admit().unwrap().hold(changes());
        let _second = watchers.admit().unwrap();
        assert!(watchers.admit().is_err());
        drop(first);
        assert!(watchers.admit().is_ok());
    }

    #[tokio::test]
    async fn all_are_sent_away_at_once() {
        let watchers = Watchers::new(2);
        let mut watching = watchers.admit().unwrap().hold(changes());
        assert!(watching.next().await.is_some());
        assert!(watching.next().now_or_never().is_none());
        let mut waiting = Box::pin(watching.next());
        assert!(futures::poll!(&mut waiting).is_pending());
        watchers.disconnect_all();
        assert_eq!(waiting.await, None);
        let mut late = watchers.admit().unwrap().hold(changes());
        assert_eq!(late.next().await, None);
    }
}
