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

    pub(super) fn is_watched(&self, task_id: &str) -> bool {
        self.watched().contains_key(task_id)
    }

    /// Nothing comes after the last news of a task: its watchers are let go.
    pub(super) fn announce(&self, task_id: &str, news: News) {
        let is_last = match &news {
            News::Status(_, task) => task.status.is_final(),
            News::Progress(_) => false,
            News::Deleted => true,
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
    async fn next_after(&mut self, seen: u64) -> Option<News> {
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
