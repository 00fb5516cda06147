//! Limits the number of watchers, divides their permits between users, and disconnects
//! all of them at shutdown.

use std::sync::Arc;

use concept_refinement_domain::capability::CapabilityError;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::Changes;
use crate::permits::{Permit, Permits};
use crate::stream_guard::guarded;

/// As many as there can be connections, though an HTTP/2 connection may carry several
/// watchers. Each watcher needs some memory.
const MAX_WATCHERS: usize = 4096;

/// Limits how many streams watch tasks at once.
pub struct Watchers {
    /// By user.
    permits: Arc<Permits<String>>,
    leave: CancellationToken,
}

/// A slot for one watcher, free again when dropped.
pub struct Slot {
    permit: Permit<String>,
    leave: CancellationToken,
}

impl Watchers {
    /// At most `limit` streams at once.
    pub fn new(limit: usize) -> Self {
        Self {
            permits: Permits::new(limit),
            leave: CancellationToken::new(),
        }
    }

    /// Fails if there are many watchers, and this user has its share of them.
    pub fn admit(&self, user: &str) -> Result<Slot, CapabilityError> {
        let permit = self.permits.take(None, Some(user.to_owned()));
        let permit = permit.ok_or_else(|| {
            CapabilityError::unavailable("Too many tasks are being watched. Try again later.")
        })?;
        Ok(Slot {
            permit,
            leave: self.leave.clone(),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.permits.taken()
    }

    /// Ends all current and future streams at shutdown; clients then reconnect.
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
        let changes = changes.take_until(self.leave.cancelled_owned());
        Box::pin(guarded(changes, self.permit))
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::task::{Change, Stage};
    use futures::{FutureExt as _, stream};

    use super::*;

    fn changes() -> Changes {
        let progress = stream::iter([Change::Progress(Stage::Refining)]);
        Box::pin(progress.chain(stream::pending()))
    }

    #[tokio::test]
    async fn who_leaves_makes_room() {
        let watchers = Watchers::new(2);
        let first = watchers.admit("ann").unwrap().hold(changes());
        let _second = watchers.admit("bob").unwrap();
        assert!(watchers.admit("cy").is_err());
        assert_eq!(watchers.count(), 2);
        drop(first);
        assert_eq!(watchers.count(), 1);
        assert!(watchers.admit("cy").is_ok());
    }

    #[test]
    fn one_user_leaves_room_for_others() {
        let watchers = Watchers::new(16);
        let greedy: Vec<_> = std::iter::from_fn(|| watchers.admit("ann").ok()).collect();
        assert_eq!(greedy.len(), 12);
        assert!(watchers.admit("bob").is_ok());
    }

    #[tokio::test]
    async fn all_are_sent_away_at_once() {
        let watchers = Watchers::new(2);
        let mut watching = watchers.admit("ann").unwrap().hold(changes());
        assert!(watching.next().await.is_some());
        assert!(watching.next().now_or_never().is_none());
        let mut waiting = Box::pin(watching.next());
        assert!(futures::poll!(&mut waiting).is_pending());
        watchers.disconnect_all();
        assert_eq!(waiting.await, None);
        let mut late = watchers.admit("ann").unwrap().hold(changes());
        assert_eq!(late.next().await, None);
    }
}
