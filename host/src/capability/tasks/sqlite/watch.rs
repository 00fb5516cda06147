//! Tells those who watch a task what becomes of it, after it is committed.
//!
//! In memory only: an embedded store belongs to one process, and whoever
//! watches is in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use concept_refinement_domain::task::{Change, Stage, Task};
use futures::stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::super::Changes;
use super::deletions::{Deletion, Deletions};

/// More than happen to a task at once. A reader that is further behind misses
/// the oldest, never the last.
const CHANGES_KEPT: usize = 16;

#[derive(Clone, Debug)]
pub(super) enum News {
    /// The task as of a revision of it.
    Status(u64, Arc<Task>),
    Progress(Stage),
    Deleted,
}

#[derive(Debug, Default)]
pub(super) struct Hub {
    watched: Mutex<HashMap<String, broadcast::Sender<News>>>,
    deletions: Arc<Deletions>,
}

impl Hub {
    /// Begins to listen. What is announced from now on is not missed, so look
    /// the task up after this.
    pub(super) fn subscribe(self: &Arc<Self>, task_id: &str) -> Subscription {
        let receiver = self
            .watched()
            .entry(task_id.to_owned())
            .or_insert_with(|| broadcast::Sender::new(CHANGES_KEPT))
            .subscribe();
        Subscription {
            hub: self.clone(),
            task_id: task_id.to_owned(),
            receiver: Some(receiver),
        }
    }

    /// Begins to wait for the deletion of a task.
    pub(super) fn deletion(&self, task_id: &str) -> Deletion {
        self.deletions.of(task_id)
    }

    pub(super) fn is_watched(&self, task_id: &str) -> bool {
        self.watched().contains_key(task_id)
    }

    /// Nothing comes after the last news of a task: its watchers are let go.
    pub(super) fn announce(&self, task_id: &str, news: News) {
        let is_last = match &news {
            News::Status(_, task) => task.status.is_final(),
            News::Progress(_) => false,
            News::Deleted => {
                self.deletions.announce(task_id);
                true
            }
        };
        let mut watched = self.watched();
        if let Some(sender) = watched.get(task_id) {
            // That nobody listens any more is no fault.
            let _ = sender.send(news);
        }
        if is_last {
            watched.remove(task_id);
        }
    }

    /// Ends all streams: the store is closing.
    pub(super) fn close(&self) {
        self.watched().clear();
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<String, broadcast::Sender<News>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who listens to the news of a task.
#[derive(Debug)]
pub(super) struct Subscription {
    hub: Arc<Hub>,
    task_id: String,
    /// Taken only to be dropped before the hub looks who is left.
    receiver: Option<broadcast::Receiver<News>>,
}

impl Subscription {
    /// The task as it was found, as of `revision`, then what happens after.
    pub(super) fn changes_after(self, revision: u64, task: Task) -> Changes {
        let first = Box::new(task.clone());
        let state = (!task.status.is_final()).then_some((self, revision));
        let later = stream::unfold(state, |state| async {
            let (mut subscription, seen) = state?;
            let news = subscription.next_after(seen).await?;
            Some(match news {
                News::Status(revision, task) => {
                    let on = (!task.status.is_final()).then_some((subscription, revision));
                    (Change::Task(Box::new(Arc::unwrap_or_clone(task))), on)
                }
                News::Progress(stage) => (Change::Progress(stage), Some((subscription, seen))),
                News::Deleted => (Change::Deleted, None),
            })
        });
        let now = stream::once(async { Change::Task(first) });
        Box::pin(futures::StreamExt::chain(now, later))
    }

    /// None: the store was closed. What was seen already is skipped.
    pub(super) async fn next_after(&mut self, seen: u64) -> Option<News> {
        let receiver = self.receiver.as_mut()?;
        loop {
            match receiver.recv().await {
                Ok(News::Status(revision, _)) if revision <= seen => {}
                Ok(news) => return Some(news),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.receiver = None;
        let mut watched = self.hub.watched();
        if let Some(sender) = watched.get(&self.task_id)
            && sender.receiver_count() == 0
        {
            watched.remove(&self.task_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::task::{Refinement, Status};
    use concept_refinement_domain::timestamp::Timestamp;
    use futures::{FutureExt, StreamExt};

    use super::*;

    fn task() -> Task {
        Task {
            id: "a".into(),
            user_id: "ada".into(),
            is_anonymous: false,
            status: Status::Pending,
            refinement: Refinement {
                original_image_url: "https://example.com/a.png".into(),
                refinement_prompt: "Make it lighter".into(),
                logo_description: None,
                theme_description: None,
            },
            original_path: None,
            created_at: Timestamp(1),
            updated_at: None,
            completed_at: None,
            result_id: None,
            image_path: None,
            error_message: None,
            lease_until: None,
        }
    }

    #[tokio::test]
    async fn whoever_leaves_is_forgotten() {
        let hub = Arc::new(Hub::default());
        let (first, second) = (hub.subscribe("a"), hub.subscribe("a"));
        drop(first);
        assert!(hub.is_watched("a"));
        drop(second);
        assert!(!hub.is_watched("a"));

        let mut last = hub.subscribe("a");
        hub.announce("a", News::Progress(Stage::Refining));
        hub.announce("a", News::Deleted);
        assert!(!hub.is_watched("a"));
        assert!(matches!(last.next_after(0).await, Some(News::Progress(_))));
        assert!(matches!(last.next_after(0).await, Some(News::Deleted)));
        assert!(last.next_after(0).await.is_none());
    }

    /// Whoever looks a task up after subscribing finds there what is announced
    /// only then.
    #[tokio::test]
    async fn what_was_seen_already_is_skipped() {
        let hub = Arc::new(Hub::default());
        let mut subscription = hub.subscribe("a");
        for revision in 1..=3 {
            hub.announce("a", News::Status(revision, Arc::new(task())));
        }
        let next = subscription.next_after(2).await;
        assert!(matches!(next, Some(News::Status(3, _))), "{next:?}");
    }

    #[tokio::test]
    async fn a_store_that_closes_lets_its_watchers_go() {
        let hub = Arc::new(Hub::default());
        let changes = futures::stream::unfold(hub.subscribe("a"), |mut subscription| async {
            let news = subscription.next_after(0).await?;
            Some((news, subscription))
        });
        let mut changes = Box::pin(changes);
        assert!(changes.next().now_or_never().is_none());
        hub.close();
        assert!(changes.next().await.is_none());
    }
}
