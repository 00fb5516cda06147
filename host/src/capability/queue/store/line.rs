//! The order of tasks in memory: who waits for one, and which are to be looked at.
//!
//! A task goes to a receiver that waits, or into the line. The store may take one that
//! waits for a task that it is about to create, and hands it over after the commit:
//! such a task stands in no line.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::select;
use tokio::sync::Notify;

use crate::log_throttle::LogThrottle;
use crate::runtime::Runtime;

/// The longest delay, whatever a worker asks for.
const MAX_DELAY: Duration = Duration::from_secs(60 * 60);

/// More than are submitted at a time. If there are more, all are forgotten, and delivered
/// twice if they are published after all.
const MAX_UNPUBLISHED: usize = 4_096;

/// A task to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::capability) struct Entry {
    pub(in crate::capability) task_id: String,
    pub(in crate::capability) user_id: String,
}

/// The tasks of a queue, first come, first served; each in it at most once.
pub(in crate::capability) struct Line {
    runtime: Arc<dyn Runtime>,
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Entry>,
    later: BinaryHeap<Reverse<(Duration, Entry)>>,
    /// The ids of the entries in `ready` and `later`.
    ids: HashSet<String>,
    /// What receivers were reserved for.
    handed: VecDeque<Entry>,
    /// The ids of tasks that were handed over, until they are published, which changes
    /// nothing then, or delivered again. A user who leaves early never publishes.
    unpublished: HashSet<String>,
    /// How many wait.
    receivers: usize,
    /// Of those who wait, how many are for a certain task.
    reserved: usize,
}

impl State {
    /// Moves delayed tasks whose time has come to the end of the queue.
    fn wake(&mut self, now: Duration) {
        while let Some(first) = self.later.peek_mut().filter(|first| first.0.0 <= now) {
            let Reverse((_, entry)) = PeekMut::pop(first);
            self.ready.push_back(entry);
        }
    }

    /// The next one for one of those who wait.
    fn take(&mut self) -> Option<Entry> {
        if let Some(entry) = self.handed.pop_front() {
            self.reserved = self.reserved.saturating_sub(1);
            return Some(entry);
        }
        if self.receivers <= self.reserved {
            return None;
        }
        let entry = self.ready.pop_front()?;
        self.ids.remove(&entry.task_id);
        Some(entry)
    }

    fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.handed.is_empty()
    }

    fn next_wake(&self) -> Option<Duration> {
        self.later.peek().map(|Reverse((at, _))| *at)
    }
}

impl Line {
    pub(in crate::capability) fn new(runtime: Arc<dyn Runtime>, capacity: usize) -> Self {
        Self {
            runtime,
            capacity,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A task that was handed over is on its way already when it is published.
    pub(super) fn add(&self, entry: Entry) {
        let mut state = self.state();
        if state.unpublished.remove(&entry.task_id) {
            return;
        }
        if self.admits(&mut state, &entry) {
            state.ready.push_back(entry);
            self.changed.notify_one();
        }
    }

    pub(super) fn add_later(&self, entry: Entry, delay: Duration) {
        let mut state = self.state();
        // From now on it is published because it is overdue.
        state.unpublished.remove(&entry.task_id);
        if self.admits(&mut state, &entry) {
            let at = self.runtime.elapsed() + delay.min(MAX_DELAY);
            state.later.push(Reverse((at, entry)));
            self.changed.notify_one();
        }
    }

    /// Waits for the next one. Cancel-safe.
    pub(super) async fn next(&self) -> Entry {
        let receiver = Receiver::of(self);
        loop {
            let now = self.runtime.elapsed();
            let next_wake = {
                let mut state = self.state();
                state.wake(now);
                if let Some(entry) = state.take() {
                    state.receivers = state.receivers.saturating_sub(1);
                    std::mem::forget(receiver);
                    // Wakes another receiver for the remaining tasks.
                    if !state.is_empty() {
                        self.changed.notify_one();
                    }
                    return entry;
                }
                state.next_wake()
            };
            let changed = pin!(self.changed.notified());
            match next_wake {
                Some(at) => drop(select(changed, self.runtime.sleep(at - now)).await),
                None => changed.await,
            }
        }
    }

    /// Takes one of those who wait, for a task that is about to be there. None: nobody
    /// waits, or for what is in the line.
    pub(in crate::capability) fn reserve(self: &Arc<Self>) -> Option<Reservation> {
        let mut state = self.state();
        if !state.ready.is_empty() || state.receivers <= state.reserved {
            return None;
        }
        state.reserved += 1;
        drop(state);
        Some(Reservation {
            line: Some(Arc::clone(self)),
        })
    }

    fn admits(&self, state: &mut State, entry: &Entry) -> bool {
        if state.ids.len() >= self.capacity && !state.ids.contains(&entry.task_id) {
            static FAULT: LogThrottle = LogThrottle::new();
            if let Some(times) = FAULT.times() {
                tracing::warn!(times, "the queue is full: a task waits until it is overdue");
            }
            return false;
        }
        state.ids.insert(entry.task_id.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits. If it leaves, another one has to look after what woke it and after
/// the timer.
struct Receiver<'a>(&'a Line);

impl<'a> Receiver<'a> {
    fn of(line: &'a Line) -> Self {
        line.state().receivers += 1;
        Self(line)
    }
}

impl Drop for Receiver<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.receivers = state.receivers.saturating_sub(1);
        self.0.changed.notify_one();
    }
}

/// One that waits, for a certain task. If that does not come, it waits for the next one.
pub(in crate::capability) struct Reservation {
    /// None once the task is there.
    line: Option<Arc<Line>>,
}

impl Reservation {
    pub(in crate::capability) fn hand(mut self, entry: Entry) {
        if let Some(line) = self.line.take() {
            let mut state = line.state();
            if state.unpublished.len() >= MAX_UNPUBLISHED {
                state.unpublished.clear();
            }
            state.unpublished.insert(entry.task_id.clone());
            state.handed.push_back(entry);
            line.changed.notify_one();
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            let mut state = line.state();
            state.reserved = state.reserved.saturating_sub(1);
            if !state.is_empty() {
                line.changed.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests;
