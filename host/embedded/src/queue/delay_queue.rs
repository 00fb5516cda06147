//! The tasks of a queue in memory, each at most once: those that are ready and those that are
//! delayed.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::runtime::Runtime;
use futures::future::select;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::lines::Lines;

/// A task to deliver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) task_id: String,
    pub(super) user_id: String,
}

/// The tasks of a queue, and the receivers waiting for one.
pub(super) struct DelayQueue {
    runtime: Arc<dyn Runtime>,
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    ready: Lines,
    later: BinaryHeap<Reverse<(Duration, Entry)>>,
    /// The ids of the entries in `ready` and `later`.
    ids: HashSet<String>,
}

impl State {
    /// Moves delayed tasks whose time has come to the ends of their users' lines.
    fn wake(&mut self, now: Duration) {
        while let Some(first) = self.later.peek_mut().filter(|first| first.0.0 <= now) {
            let Reverse((_, entry)) = PeekMut::pop(first);
            self.ready.join(entry);
        }
    }

    fn take(&mut self) -> Option<Entry> {
        let entry = self.ready.next()?;
        self.ids.remove(&entry.task_id);
        Some(entry)
    }

    fn next_wake(&self) -> Option<Duration> {
        self.later.peek().map(|Reverse((at, _))| *at)
    }
}

impl DelayQueue {
    pub(super) fn new(runtime: Arc<dyn Runtime>, capacity: usize) -> Self {
        Self {
            runtime,
            capacity,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Notes that a user was served, later than all others.
    pub(super) fn served(&self, user_id: String) {
        self.state.lock().ready.served(user_id);
    }

    /// How many tasks it holds.
    pub(super) fn length(&self) -> u64 {
        self.state.lock().ids.len() as u64
    }

    pub(super) fn add(&self, entry: Entry) {
        let mut state = self.state.lock();
        if self.admits(&mut state, &entry) {
            state.ready.join(entry);
            self.changed.notify_one();
        }
    }

    pub(super) fn add_later(&self, entry: Entry, delay: Duration) {
        let mut state = self.state.lock();
        if self.admits(&mut state, &entry) {
            let at = self.runtime.elapsed() + delay;
            state.later.push(Reverse((at, entry)));
            self.changed.notify_one();
        }
    }

    /// Waits for the next one. Cancel-safe.
    pub(super) async fn next(&self) -> Entry {
        loop {
            let now = self.runtime.elapsed();
            let next_wake = {
                let mut state = self.state.lock();
                state.wake(now);
                if let Some(entry) = state.take() {
                    // There are more tasks: wakes another receiver.
                    if !state.ids.is_empty() {
                        self.changed.notify_one();
                    }
                    return entry;
                }
                state.next_wake()
            };
            let relay = Relay(&self.changed);
            let changed = pin!(self.changed.notified());
            match next_wake {
                Some(at) => drop(select(changed, self.runtime.sleep(at - now)).await),
                None => changed.await,
            }
            std::mem::forget(relay);
        }
    }

    fn admits(&self, state: &mut State, entry: &Entry) -> bool {
        if state.ids.len() >= self.capacity && !state.ids.contains(&entry.task_id) {
            log_throttled!(warn, "the queue is full: a task waits until it is overdue");
            return false;
        }
        state.ids.insert(entry.task_id.clone())
    }
}

/// If a receiver leaves, another one has to take over its wake-up and the timer.
struct Relay<'a>(&'a Notify);

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[cfg(test)]
mod tests;
