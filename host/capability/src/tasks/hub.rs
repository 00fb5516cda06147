//! Announces changes of tasks to watchers in this process, after the commit.
//!
//! In memory only. Changes by other processes are announced here by the store, if several
//! processes share it.

mod revocations;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::spending::Booking;
use concept_refinement_domain::step::{MAX_STEPS, Step, StepKind};
use concept_refinement_domain::task::{Change, Stage, Status, Task};
use futures::future::BoxFuture;
use futures::stream;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Changes, Tally};
use revocations::{Revocation, Revocations};

/// More changes than a task has in quick succession. A slower reader misses the oldest
/// ones, never the last.
const CHANNEL_CAPACITY: usize = 16;

/// If a task has more watchers than this, a stage may be skipped for watchers that have
/// not received it when the next change arrives: notifying a thousand of them takes
/// longer than a stage, and would delay the final change.
const CROWD: usize = 32;

/// Limit of remembered claims, separately for this process and for others, and of tasks
/// with steps. Ends of other processes' claims may be missed, so the claims are forgotten
/// beyond this number.
const MAX_WORK: usize = 20_000;

/// A message for the watchers of a task.
#[derive(Clone, Debug)]
pub enum Update {
    /// The task at this revision, with its number of claims so far.
    Status(u64, u32, Arc<Task>),
    /// A stage began.
    Stage(StageStart),
    /// The task was deleted.
    Deleted,
}

/// A stage that began.
#[derive(Clone, Copy, Debug)]
pub struct StageStart {
    stage: Stage,
    /// Revision of the task when the claim of this stage began.
    revision: u64,
    /// Whether it may be skipped if there is a newer change.
    is_skippable: bool,
}

impl Update {
    /// The current state of a task.
    pub fn of(record: TaskRecord) -> Self {
        Self::Status(record.revision, record.attempt, Arc::new(record.task))
    }
}

/// Tells watchers, workers and the webhook deliverer of a process about changes of tasks.
#[derive(Debug, Default)]
pub struct Hub {
    state: Mutex<State>,
    revocations: Arc<Revocations>,
    deliveries: Arc<Notify>,
    /// What accepted calls of each link cost, in micro-dollars.
    spent: Mutex<BTreeMap<String, u64>>,
    /// Tasks that failed because their workers died too often.
    given_up: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    watched: HashMap<String, Watched>,
    /// Claims of this process, until they end.
    under_way: HashMap<String, Work>,
    /// Claims of other processes, from their first stage on.
    elsewhere: HashMap<String, Work>,
    /// Steps of tasks that are stored with the next change of the task.
    steps: HashMap<String, Vec<Step>>,
}

#[derive(Debug)]
struct Watched {
    sender: broadcast::Sender<Update>,
    /// The latest revision that was announced, or read by the only watcher.
    revision: u64,
}

/// A claim, and the stage that its worker is at.
#[derive(Clone, Copy, Debug)]
struct Work {
    /// The task's revision when it was claimed.
    revision: u64,
    attempt: u32,
    stage: Option<Stage>,
}

impl Work {
    fn ends_by(&self, update: &Update) -> bool {
        match update {
            Update::Status(revision, _, task) => self.ends_at(*revision, task.status),
            Update::Stage(_) => false,
            Update::Deleted => true,
        }
    }

    /// A state that was read before the claim does not end it.
    fn ends_at(&self, revision: u64, status: Status) -> bool {
        match revision == self.revision {
            true => status != Status::Processing,
            false => revision > self.revision,
        }
    }
}

impl Hub {
    /// Counts what tasks cost that have ended.
    pub fn count_spent(&self, bookings: &[Booking]) {
        let mut spent = self.spent.lock();
        for Booking { model, change } in bookings {
            let amount = u64::try_from(change.spent).unwrap_or(0);
            if amount > 0 {
                *spent.entry(model.clone()).or_default() += amount;
            }
        }
    }

    /// Counts a task that failed because its workers died too often.
    pub fn count_given_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// The tally of a store, with what was counted here since it was opened.
    pub fn with_counts(&self, tally: Tally) -> Tally {
        Tally {
            given_up: self.given_up.load(Ordering::Relaxed),
            spent: self.spent.lock().clone(),
            ..tally
        }
    }

    /// Subscribes. Nothing announced from now on is missed, so read the task after this.
    pub fn subscribe(self: &Arc<Self>, task_id: &str) -> Subscription {
        let mut state = self.state.lock();
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

    /// Starts to watch for revocations of a task's claims.
    pub fn revocation(&self, task_id: &str) -> Revocation {
        self.revocations.of(task_id)
    }

    /// Revokes the claims on a task.
    pub fn revoke(&self, task_id: &str) {
        self.revocations.announce(task_id);
    }

    /// Wakes the webhook deliverer; if it is not waiting now, its next wait ends at once.
    pub fn announce_delivery(&self) {
        self.deliveries.notify_one();
    }

    /// Completes when a delivery was announced since the last time this completed.
    pub fn delivery(&self) -> BoxFuture<'static, ()> {
        let deliveries = Arc::clone(&self.deliveries);
        Box::pin(async move { deliveries.notified().await })
    }

    /// Announces a change. A final change also ends the watchers' streams.
    pub fn announce(&self, task_id: &str, update: Update) {
        self.tell(task_id, update, true);
    }

    /// Announces a change by another process.
    pub fn announce_elsewhere(&self, task_id: &str, update: Update) {
        self.tell(task_id, update, false);
    }

    fn tell(&self, task_id: &str, update: Update, is_own: bool) {
        let is_last = match &update {
            Update::Status(_, _, task) => task.status.is_final(),
            Update::Stage(_) => false,
            Update::Deleted => {
                self.revoke(task_id);
                true
            }
        };
        let mut state = self.state.lock();
        if is_last {
            state.steps.remove(task_id);
        }
        state.end_work(task_id, |work| work.ends_by(&update));
        if is_own
            && let Update::Status(revision, attempt, task) = &update
            && task.status == Status::Processing
        {
            let work = Work {
                revision: *revision,
                attempt: *attempt,
                stage: None,
            };
            remember(&mut state.under_way, task_id, work);
        }
        state.send(task_id, update);
        if is_last {
            state.watched.remove(task_id);
        }
    }

    /// Announces a stage, unless its lease is lost or belongs to another process. Returns
    /// the revision at which its claim began.
    pub fn began(&self, lease: &Lease, stage: Stage) -> Option<u64> {
        let mut state = self.state.lock();
        let work = state.under_way.get_mut(&lease.task_id)?;
        if work.attempt != lease.attempt {
            return None;
        }
        work.stage = Some(stage);
        let revision = work.revision;
        state.send_stage(&lease.task_id, revision, stage);
        Some(revision)
    }

    /// Announces a stage of another process's claim, which began at that revision.
    pub fn began_elsewhere(&self, task_id: &str, revision: u64, stage: Stage) {
        let mut state = self.state.lock();
        let seen = state.elsewhere.get(task_id).map(|work| work.revision);
        let own = state.under_way.get(task_id).map(|work| work.revision);
        if seen.max(own) > Some(revision) {
            return;
        }
        let work = Work {
            revision,
            attempt: 0,
            stage: Some(stage),
        };
        remember(&mut state.elsewhere, task_id, work);
        state.send_stage(task_id, revision, stage);
    }

    /// Remembers a step of a task until its next change is stored; of deliveries in vain, the
    /// first.
    pub fn add_step(&self, task_id: &str, step: Step) {
        let mut state = self.state.lock();
        let mut steps = state.steps.remove(task_id).unwrap_or_default();
        let last = steps.last().map(|last| last.kind);
        let is_in_vain = step.kind == StepKind::Delivered && last == Some(step.kind);
        if steps.len() < MAX_STEPS && !is_in_vain {
            steps.push(step);
        }
        remember(&mut state.steps, task_id, steps);
    }

    /// Remembers steps again that were taken and not stored.
    pub fn note_again(&self, task_id: &str, steps: Vec<Step>) {
        for step in steps {
            self.add_step(task_id, step);
        }
    }

    /// The steps to be stored with a change of the task; they are forgotten here.
    pub fn take_steps(&self, task_id: &str) -> Vec<Step> {
        let taken = self.state.lock().steps.remove(task_id);
        taken.unwrap_or_default()
    }

    /// Another process changed a task, whether or not it has watchers here.
    pub fn changed_elsewhere(&self, task_id: &str, revision: u64, status: Status) {
        if status.is_final() {
            self.revoke(task_id);
        }
        let mut state = self.state.lock();
        state.end_work(task_id, |work| work.ends_at(revision, status));
    }

    /// Whether the task has watchers that have not received this revision.
    pub fn lacks(&self, task_id: &str, revision: u64) -> bool {
        let state = self.state.lock();
        let watched = state.watched.get(task_id);
        watched.is_some_and(|watched| watched.revision < revision)
    }

    /// How many claims are remembered, of this process and of others.
    pub fn claims(&self) -> usize {
        let state = self.state.lock();
        state.under_way.len() + state.elsewhere.len()
    }

    /// The ids of all tasks that are watched.
    pub fn watched(&self) -> Vec<String> {
        self.state.lock().watched.keys().cloned().collect()
    }

    /// Ends all streams, since the store is closing.
    pub fn close(&self) {
        *self.state.lock() = State::default();
    }
}

impl State {
    /// Forgets the claims of a task that this change ended.
    fn end_work(&mut self, task_id: &str, is_end: impl Fn(&Work) -> bool) {
        for work in [&mut self.under_way, &mut self.elsewhere] {
            if work.get(task_id).is_some_and(&is_end) {
                work.remove(task_id);
            }
        }
    }

    /// Records that a watcher has read this revision of a task, if it is the only one. If
    /// there are several, the others still have to be told.
    fn saw(&mut self, task_id: &str, revision: u64) {
        if let Some(watched) = self.watched.get_mut(task_id)
            && watched.sender.receiver_count() == 1
        {
            watched.revision = watched.revision.max(revision);
        }
    }

    fn send_stage(&mut self, task_id: &str, revision: u64, stage: Stage) {
        let watched = self.watched.get(task_id);
        let start = StageStart {
            stage,
            revision,
            is_skippable: watched.is_some_and(|watched| watched.sender.receiver_count() > CROWD),
        };
        self.send(task_id, Update::Stage(start));
    }

    fn send(&mut self, task_id: &str, update: Update) {
        if let Some(watched) = self.watched.get_mut(task_id) {
            if let Update::Status(revision, ..) = &update {
                watched.revision = watched.revision.max(*revision);
            }
            // It does not matter if there are no subscribers.
            let _ = watched.sender.send(update);
        }
    }
}

fn remember<T>(tasks: &mut HashMap<String, T>, task_id: &str, known: T) {
    if tasks.len() >= MAX_WORK {
        tasks.clear();
    }
    tasks.insert(task_id.to_owned(), known);
}

/// A subscription to the changes of a task.
#[derive(Debug)]
pub struct Subscription {
    hub: Arc<Hub>,
    task_id: String,
    /// An `Option`, so that it can be dropped before the hub checks for remaining
    /// subscribers.
    receiver: Option<broadcast::Receiver<Update>>,
    /// The claim in progress when the subscription began; later changes are received.
    work: Option<Work>,
}

impl Subscription {
    /// Streams the task as read at `revision`, then the current stage, then every later
    /// change.
    pub fn changes_after(self, revision: u64, task: Task) -> Changes {
        self.hub.state.lock().saw(&self.task_id, revision);
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
                Update::Stage(start) => {
                    let change = Change::Progress(start.stage);
                    (change, Some((subscription, seen)))
                }
                Update::Deleted => (Change::Deleted, None),
            })
        });
        let now = stream::iter([first].into_iter().chain(stage));
        Box::pin(futures::StreamExt::chain(now, later))
    }

    /// None: the store was closed. Skips changes that the reader already knows, and, if
    /// there are many watchers, stages that have passed.
    pub async fn next_after(&mut self, seen: u64) -> Option<Update> {
        let receiver = self.receiver.as_mut()?;
        loop {
            match receiver.recv().await {
                Ok(Update::Status(revision, ..)) if revision <= seen => {}
                Ok(Update::Stage(start)) if start.revision < seen => {}
                Ok(Update::Stage(start)) if start.is_skippable && !receiver.is_empty() => {}
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
        let mut state = self.hub.state.lock();
        if let Some(watched) = state.watched.get(&self.task_id)
            && watched.sender.receiver_count() == 0
        {
            state.watched.remove(&self.task_id);
        }
    }
}

#[cfg(test)]
mod tests;
