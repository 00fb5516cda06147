//! Announces changes of tasks to those of this process who watch them, after
//! the commit.
//!
//! In memory only. What other processes do to a task is told here by their
//! store, if several share it.

mod deletions;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::{Change, Stage, Status, Task};
use futures::future::BoxFuture;
use futures::stream;
use tokio::sync::Notify;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Changes;
use deletions::{Deletion, Deletions};

/// More changes than a task has in quick succession. A slower reader misses the
/// oldest, never the last.
const CHANNEL_CAPACITY: usize = 16;

/// Stages of other processes that are remembered at most. Their ends may be
/// missed, so they are forgotten when there are more.
const MAX_ELSEWHERE: usize = 10_000;

#[derive(Clone, Debug)]
pub(crate) enum Update {
    /// The task at a revision, with its number of claims so far.
    Status(u64, u32, Arc<Task>),
    /// A stage of the claim that began with that revision.
    Progress(u64, Stage),
    Deleted,
}

impl Update {
    /// How a task is now.
    pub(crate) fn of(record: TaskRecord) -> Self {
        Self::Status(record.revision, record.attempt, Arc::new(record.task))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    deletions: Arc<Deletions>,
    deliveries: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    watched: HashMap<String, Watched>,
    /// One entry per claim since the store was opened, until the claim ends.
    under_way: HashMap<String, Work>,
    /// The same of other processes, from their first stage on.
    elsewhere: HashMap<String, Work>,
}

#[derive(Debug)]
struct Watched {
    sender: broadcast::Sender<Update>,
    /// The latest revision that was announced, or read by one who watches.
    revision: u64,
}

/// A claim and the stage of its worker.
#[derive(Clone, Copy, Debug)]
struct Work {
    /// The task's revision when it was claimed.
    revision: u64,
    attempt: u32,
    stage: Option<Stage>,
}

impl Work {
    /// What was read before the claim does not end it.
    fn ends_by(&self, update: &Update) -> bool {
        match update {
            Update::Status(revision, _, task) if *revision == self.revision => {
                task.status != Status::Processing
            }
            Update::Status(revision, ..) => *revision > self.revision,
            Update::Progress(..) => false,
            Update::Deleted => true,
        }
    }
}

impl Hub {
    /// Subscribes. Announcements from now on are not missed, so read the task
    /// after this.
    pub(crate) fn subscribe(self: &Arc<Self>, task_id: &str) -> Subscription {
        let mut state = self.state();
        let receiver = state
            .watched
            .entry(task_id.to_owned())
            .or_insert_with(|| Watched {
                sender: broadcast::Sender::new(CHANNEL_CAPACITY),
                revision: 0,
            })
            .sender
            .subscribe();
        let work = state.under_way.get(task_id);
        let work = work.or_else(|| state.elsewhere.get(task_id)).copied();
        Subscription {
            hub: self.clone(),
            task_id: task_id.to_owned(),
            receiver: Some(receiver),
            work,
        }
    }

    /// Starts to wait for the deletion of a task.
    pub(crate) fn deletion(&self, task_id: &str) -> Deletion {
        self.deletions.of(task_id)
    }

    /// Wakes whoever delivers webhooks, or the next one who waits to.
    pub(crate) fn announce_delivery(&self) {
        self.deliveries.notify_one();
    }

    /// Completes when a delivery was announced since the last one that was heard.
    pub(crate) fn delivery(&self) -> BoxFuture<'static, ()> {
        let deliveries = Arc::clone(&self.deliveries);
        Box::pin(async move { deliveries.notified().await })
    }

    /// Announces a change. After the last one the watchers' streams end.
    pub(crate) fn announce(&self, task_id: &str, update: Update) {
        self.tell(task_id, update, true);
    }

    /// Announces what another process did.
    pub(crate) fn announce_elsewhere(&self, task_id: &str, update: Update) {
        self.tell(task_id, update, false);
    }

    fn tell(&self, task_id: &str, update: Update, is_own: bool) {
        let is_last = match &update {
            Update::Status(_, _, task) => task.status.is_final(),
            Update::Progress(..) => false,
            Update::Deleted => {
                self.deletions.announce(task_id);
                true
            }
        };
        let mut state = self.state();
        state.end_work(task_id, &update);
        if is_own
            && let Update::Status(revision, attempt, task) = &update
            && task.status == Status::Processing
        {
            let work = Work {
                revision: *revision,
                attempt: *attempt,
                stage: None,
            };
            state.under_way.insert(task_id.to_owned(), work);
        }
        state.send(task_id, update);
        if is_last {
            state.watched.remove(task_id);
        }
    }

    /// Announces a stage, unless its lease is lost or belongs to another
    /// process. Answers the revision that its claim began with.
    pub(crate) fn began(&self, lease: &Lease, stage: Stage) -> Option<u64> {
        let mut state = self.state();
        let work = state.under_way.get_mut(&lease.task_id)?;
        if work.attempt != lease.attempt {
            return None;
        }
        work.stage = Some(stage);
        let revision = work.revision;
        state.send(&lease.task_id, Update::Progress(revision, stage));
        Some(revision)
    }

    /// Announces a stage of another process's claim, which began with that
    /// revision.
    pub(crate) fn began_elsewhere(&self, task_id: &str, revision: u64, stage: Stage) {
        let mut state = self.state();
        let seen = state.elsewhere.get(task_id).map(|work| work.revision);
        let own = state.under_way.get(task_id).map(|work| work.revision);
        if seen.max(own) > Some(revision) {
            return;
        }
        if state.elsewhere.len() >= MAX_ELSEWHERE {
            state.elsewhere.clear();
        }
        let work = Work {
            revision,
            attempt: 0,
            stage: Some(stage),
        };
        state.elsewhere.insert(task_id.to_owned(), work);
        state.send(task_id, Update::Progress(revision, stage));
    }

    /// Another process's claim of an unwatched task has ended.
    pub(crate) fn ended_elsewhere(&self, task_id: &str) {
        self.state().elsewhere.remove(task_id);
    }

    /// Whether somebody watches the task who was not told of this revision.
    pub(crate) fn lacks(&self, task_id: &str, revision: u64) -> bool {
        let state = self.state();
        let watched = state.watched.get(task_id);
        watched.is_some_and(|watched| watched.revision < revision)
    }

    /// The ids of all tasks that are watched.
    pub(crate) fn watched(&self) -> Vec<String> {
        self.state().watched.keys().cloned().collect()
    }

    /// Ends all streams, since the store is closing.
    pub(crate) fn close(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets the claims that a change ended.
    fn end_work(&mut self, task_id: &str, update: &Update) {
        for work in [&mut self.under_way, &mut self.elsewhere] {
            if work.get(task_id).is_some_and(|work| work.ends_by(update)) {
                work.remove(task_id);
            }
        }
    }

    /// The only one who watches a task has read this revision of it. Of several,
    /// the others have still to be told.
    fn saw(&mut self, task_id: &str, revision: u64) {
        if let Some(watched) = self.watched.get_mut(task_id)
            && watched.sender.receiver_count() == 1
        {
            watched.revision = watched.revision.max(revision);
        }
    }

    fn send(&mut self, task_id: &str, update: Update) {
        if let Some(watched) = self.watched.get_mut(task_id) {
            if let Update::Status(revision, ..) = &update {
                watched.revision = watched.revision.max(*revision);
            }
            // It is fine if there is no subscriber.
            let _ = watched.sender.send(update);
        }
    }
}

/// A subscription to the changes of a task.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    task_id: String,
    /// In an `Option` so that it can be dropped before the hub looks for
    /// remaining subscribers.
    receiver: Option<broadcast::Receiver<Update>>,
    /// The claim in progress when the subscription began; later changes are
    /// received.
    work: Option<Work>,
}

impl Subscription {
    /// Streams the task as it was read at `revision`, the current stage, then
    /// everything after that.
    pub(crate) fn changes_after(self, revision: u64, task: Task) -> Changes {
        self.hub.state().saw(&self.task_id, revision);
        let first = Change::Task(Box::new(task.clone()));
        let work = self.work.filter(|work| work.revision == revision);
        let stage = work.and_then(|work| work.stage).map(Change::Progress);
        let state = (!task.status.is_final()).then_some((self, revision));
        let later = stream::unfold(state, |state| async {
            let (mut subscription, seen) = state?;
            let update = subscription.next_after(seen).await?;
            Some(match update {
                Update::Status(revision, _, task) => {
                    let on = (!task.status.is_final()).then_some((subscription, revision));
                    (Change::Task(Box::new(Arc::unwrap_or_clone(task))), on)
                }
                Update::Progress(_, stage) => (Change::Progress(stage), Some((subscription, seen))),
                Update::Deleted => (Change::Deleted, None),
            })
        });
        let now = stream::iter([first].into_iter().chain(stage));
        Box::pin(futures::StreamExt::chain(now, later))
    }

    /// None: the store was closed. Skips what the reader has seen already.
    pub(crate) async fn next_after(&mut self, seen: u64) -> Option<Update> {
        let receiver = self.receiver.as_mut()?;
        loop {
            match receiver.recv().await {
                Ok(Update::Status(revision, ..)) if revision <= seen => {}
                Ok(Update::Progress(revision, _)) if revision < seen => {}
                Ok(update) => return Some(update),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.receiver = None;
        let mut state = self.hub.state();
        if let Some(watched) = state.watched.get(&self.task_id)
            && watched.sender.receiver_count() == 0
        {
            state.watched.remove(&self.task_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::timestamp::Timestamp;
    use futures::{FutureExt, StreamExt};

    use super::*;
    use crate::capability::tasks::samples::new_task;

    impl Hub {
        fn is_watched(&self, task_id: &str) -> bool {
            self.state().watched.contains_key(task_id)
        }
    }

    fn status(revision: u64, attempt: u32, status: Status) -> Update {
        let task = Task { status, ..task() };
        Update::Status(revision, attempt, Arc::new(task))
    }

    fn lease(attempt: u32) -> Lease {
        Lease {
            task_id: "a".into(),
            attempt,
            until: Timestamp(1),
            renew_after: 1,
        }
    }

    fn task() -> Task {
        new_task("a").created(Timestamp(1))
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
        hub.announce("a", Update::Progress(1, Stage::Refining));
        hub.announce("a", Update::Deleted);
        assert!(!hub.is_watched("a"));
        assert!(matches!(
            last.next_after(0).await,
            Some(Update::Progress(..))
        ));
        assert!(matches!(last.next_after(0).await, Some(Update::Deleted)));
        assert!(last.next_after(0).await.is_none());
    }

    /// A task that is read after subscribing may already contain a change that
    /// is announced later.
    #[tokio::test]
    async fn what_was_seen_already_is_skipped() {
        let hub = Arc::new(Hub::default());
        let mut subscription = hub.subscribe("a");
        hub.announce("a", status(1, 1, Status::Processing));
        hub.began(&lease(1), Stage::Refining);
        hub.announce("a", status(2, 1, Status::Pending));
        hub.announce("a", status(3, 2, Status::Processing));
        let next = subscription.next_after(2).await;
        assert!(matches!(next, Some(Update::Status(3, ..))), "{next:?}");
    }

    /// However a claim ends, later stages of its worker are ignored, and no
    /// entry is left for it.
    #[tokio::test]
    async fn work_is_remembered_for_as_long_as_its_claim_lasts() {
        let hub = Arc::new(Hub::default());
        let stage = || hub.state().under_way.get("a").map(|work| work.stage);
        let ends = [
            ("completed", status(2, 1, Status::Completed), None),
            ("failed", status(2, 1, Status::Failed), None),
            ("released", status(2, 1, Status::Pending), None),
            ("deleted", Update::Deleted, None),
            ("taken over", status(2, 2, Status::Processing), Some(None)),
        ];
        for (name, end, left) in ends {
            hub.announce("a", status(1, 1, Status::Processing));
            assert_eq!(stage(), Some(None), "{name}");
            hub.began(&lease(1), Stage::Refining);
            assert_eq!(stage(), Some(Some(Stage::Refining)), "{name}");
            hub.announce("a", end);
            hub.began(&lease(1), Stage::StoringImage);
            assert_eq!(stage(), left, "{name}");
        }
    }

    /// What is only read, or happened before, ends no claim of this process.
    #[tokio::test]
    async fn a_look_at_a_task_ends_no_work() {
        let hub = Arc::new(Hub::default());
        hub.announce("a", status(3, 1, Status::Processing));
        let _ = hub.began(&lease(1), Stage::Refining);
        hub.announce_elsewhere("a", status(3, 1, Status::Processing));
        hub.announce_elsewhere("a", status(2, 0, Status::Pending));
        let subscription = hub.subscribe("a");
        let task = Task {
            status: Status::Processing,
            ..task()
        };
        let told: Vec<_> = subscription.changes_after(3, task).take(2).collect().await;
        assert_eq!(told.last(), Some(&Change::Progress(Stage::Refining)));
        hub.announce_elsewhere("a", status(4, 2, Status::Processing));
        assert_eq!(hub.began(&lease(1), Stage::StoringImage), None);
    }

    #[tokio::test]
    async fn who_reads_something_new_takes_it_from_nobody() {
        let hub = Arc::new(Hub::default());
        let mut first = hub.subscribe("a");
        let alone = hub.subscribe("b").changes_after(4, task());
        assert!(!hub.lacks("b", 4));
        let second = hub.subscribe("a").changes_after(4, task());
        assert!(hub.lacks("a", 4), "the first one does not know");
        hub.announce_elsewhere("a", status(4, 1, Status::Processing));
        assert!(matches!(
            first.next_after(3).await,
            Some(Update::Status(4, ..))
        ));
        assert!(!hub.lacks("a", 4));
        drop((alone, second));
    }

    /// A stage of another process is told to those who watch and who will.
    #[tokio::test]
    async fn a_stage_elsewhere_is_told_until_its_claim_ends() {
        let hub = Arc::new(Hub::default());
        let stage = || hub.state().elsewhere.get("a").and_then(|work| work.stage);
        let mut watching = hub.subscribe("a");
        hub.began_elsewhere("a", 1, Stage::Refining);
        let told = watching.next_after(1).await;
        assert!(matches!(told, Some(Update::Progress(1, Stage::Refining))));
        hub.announce_elsewhere("a", status(1, 1, Status::Processing));
        assert_eq!(stage(), Some(Stage::Refining), "it was only looked at");
        hub.began_elsewhere("a", 0, Stage::Downloading);
        assert_eq!(stage(), Some(Stage::Refining), "that was before");
        hub.announce_elsewhere("a", status(2, 1, Status::Pending));
        assert_eq!(stage(), None);
        hub.began_elsewhere("a", 3, Stage::Refining);
        hub.ended_elsewhere("a");
        assert_eq!(stage(), None);
    }

    #[tokio::test]
    async fn a_store_that_closes_lets_its_watchers_go() {
        let hub = Arc::new(Hub::default());
        let changes = futures::stream::unfold(hub.subscribe("a"), |mut subscription| async {
            let update = subscription.next_after(0).await?;
            Some((update, subscription))
        });
        let mut changes = Box::pin(changes);
        assert!(changes.next().now_or_never().is_none());
        hub.close();
        assert!(changes.next().await.is_none());
    }
}
