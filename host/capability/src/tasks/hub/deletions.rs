//! Tells the workers of this process that their task was deleted, after the
//! commit.
//!
//! Separate from watchers: there is one for each task in flight, and most never
//! receive anything.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Default)]
pub struct Deletions(Mutex<HashMap<String, Awaited>>);

#[derive(Debug)]
struct Awaited {
    deleted: CancellationToken,
    /// Two workers may have the same task, one of which has lost its lease.
    by: usize,
}

/// Waits for the deletion of a task.
#[derive(Debug)]
pub struct Deletion {
    deletions: Arc<Deletions>,
    task_id: String,
    deleted: CancellationToken,
}

impl Deletions {
    /// Deletions from now on are not missed.
    pub fn of(self: &Arc<Self>, task_id: &str) -> Deletion {
        let mut all = self.0.lock();
        let awaited = all.entry(task_id.to_owned()).or_insert_with(|| Awaited {
            deleted: CancellationToken::new(),
            by: 0,
        });
        awaited.by += 1;
        Deletion {
            deletions: Arc::clone(self),
            task_id: task_id.to_owned(),
            deleted: awaited.deleted.clone(),
        }
    }

    pub fn announce(&self, task_id: &str) {
        if let Some(awaited) = self.0.lock().get(task_id) {
            awaited.deleted.cancel();
        }
    }
}

impl Deletion {
    pub async fn wait(self) {
        self.deleted.cancelled().await;
    }
}

impl Drop for Deletion {
    fn drop(&mut self) {
        let mut all = self.deletions.0.lock();
        if let Some(awaited) = all.get_mut(&self.task_id) {
            awaited.by -= 1;
            if awaited.by == 0 {
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
        let deletions = Arc::new(Deletions::default());
        let [first, second] = [deletions.of("a"), deletions.of("a")];
        let other = deletions.of("b");
        deletions.announce("a");
        first.wait().await;
        second.wait().await;
        assert!(other.wait().now_or_never().is_none());
        assert!(deletions.0.lock().is_empty());
    }

    #[test]
    fn whoever_is_done_is_forgotten() {
        let deletions = Arc::new(Deletions::default());
        let [first, second] = [deletions.of("a"), deletions.of("a")];
        drop(first);
        assert_eq!(deletions.0.lock().len(), 1);
        drop(second);
        assert!(deletions.0.lock().is_empty());
        deletions.announce("a");
        assert!(deletions.of("a").wait().now_or_never().is_none());
    }
}
