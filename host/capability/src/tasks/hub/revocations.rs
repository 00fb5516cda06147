//! Tells workers of this process that their claim is void, after the commit: the task was
//! deleted, cancelled, or ended elsewhere.
//!
//! Separate from watchers: there is one for each task in flight, and most never receive
//! anything.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Claims of this process that may be revoked.
#[derive(Debug, Default)]
pub struct Revocations(Mutex<HashMap<String, Claim>>);

#[derive(Debug)]
struct Claim {
    token: CancellationToken,
    /// How many wait. Two workers may hold the same task, one of them with a lost lease.
    by: usize,
}

/// Waits for the revocation of a claim.
#[derive(Debug)]
pub struct Revocation {
    revocations: Arc<Revocations>,
    task_id: String,
    token: CancellationToken,
}

impl Revocations {
    /// Starts to watch. Revocations from now on are not missed.
    pub fn of(self: &Arc<Self>, task_id: &str) -> Revocation {
        let mut all = self.0.lock();
        let claim = all.entry(task_id.to_owned()).or_insert_with(|| Claim {
            token: CancellationToken::new(),
            by: 0,
        });
        claim.by += 1;
        Revocation {
            revocations: Arc::clone(self),
            task_id: task_id.to_owned(),
            token: claim.token.clone(),
        }
    }

    /// Revokes the claims on a task.
    pub fn announce(&self, task_id: &str) {
        if let Some(claim) = self.0.lock().get(task_id) {
            claim.token.cancel();
        }
    }
}

impl Revocation {
    /// Completes when the claim is revoked.
    pub async fn wait(self) {
        self.token.cancelled().await;
    }
}

impl Drop for Revocation {
    fn drop(&mut self) {
        let mut all = self.revocations.0.lock();
        if let Some(claim) = all.get_mut(&self.task_id) {
            claim.by -= 1;
            if claim.by == 0 {
                all.remove(&self.task_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn it_is_told_to_all_who_wait_and_to_no_other() {
        let revocations = Arc::new(Revocations::default());
        let [first, second] = [revocations.of("a"), revocations.of("a")];
        let other = revocations.of("b");
        revocations.announce("a");
        first.wait().await;
        second.wait().await;
        assert!(other.wait().now_or_never().is_none());
        assert!(revocations.0.lock().is_empty());
    }

    #[test]
    fn whoever_is_done_is_forgotten() {
        let revocations = Arc::new(Revocations::default());
        let [first, second] = [revocations.of("a"), revocations.of("a")];
        drop(first);
        assert_eq!(revocations.0.lock().len(), 1);
        drop(second);
        assert!(revocations.0.lock().is_empty());
        revocations.announce("a");
        assert!(revocations.of("a").wait().now_or_never().is_none());
    }
}
