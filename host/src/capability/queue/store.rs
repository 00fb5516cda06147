//! The queue inside an embedded task store.
//!
//! The rows are the queue: they are durable, and `recover` and `due` find the
//! tasks that need a message. This holds only their order, in memory, so that
//! workers are woken and need not poll. The message is made from the row when
//! it is delivered.

pub(crate) mod engine;

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::message::{self, Parsed};
use futures::FutureExt;
use futures::future::{self, BoxFuture, select};
use tokio::sync::Notify;

use super::{Delivery, Receipt, TaskQueue};
use crate::capability::Answer;
use crate::capability::tasks::Tasks;
use crate::log_throttle::LogThrottle;
use crate::runtime::{Runtime, Tokio};

/// Delay until an unanswered delivery is repeated.
const REDELIVERY_DELAY: Duration = Duration::from_secs(1);

/// The longest delay, whatever a worker asks for.
const MAX_DELAY: Duration = Duration::from_secs(60 * 60);

/// The queue inside a task store.
pub struct StoreQueue {
    tasks: Arc<dyn Tasks>,
    waiting: Arc<Waiting>,
}

impl StoreQueue {
    /// Holds at most `capacity` tasks. More are not refused, since their rows
    /// are stored: they are published again when they are overdue.
    pub fn new(tasks: Arc<dyn Tasks>, capacity: usize) -> Self {
        Self::on(Arc::new(Tokio::default()), tasks, capacity)
    }

    /// The same by another time than tokio's.
    pub fn on(runtime: Arc<dyn Runtime>, tasks: Arc<dyn Tasks>, capacity: usize) -> Self {
        Self {
            tasks,
            waiting: Arc::new(Waiting {
                runtime,
                capacity,
                line: Mutex::default(),
                changed: Notify::new(),
            }),
        }
    }

    /// Waits for the next task that is not final, and makes its message.
    async fn next(&self) -> Result<Delivery, CapabilityError> {
        loop {
            let entry = self.waiting.next().await;
            let (task_id, user_id) = (entry.task_id.clone(), entry.user_id.clone());
            // From here on, dropping the receipt puts the task back into the
            // queue.
            let receipt = Taken {
                waiting: self.waiting.clone(),
                entry: Some(entry),
            };
            match self.tasks.get(&user_id, &task_id).await? {
                Some(task) if !task.status.is_final() => {
                    let message = message::message_for(&task);
                    return Ok(Delivery::new(Some(task_id), message, Box::new(receipt)));
                }
                _ => receipt.forget(),
            }
        }
    }
}

impl TaskQueue for StoreQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        let published = match message::parse(&message) {
            Parsed::Valid { task_id, user_id } => {
                self.waiting.add(Entry { task_id, user_id });
                Ok(())
            }
            Parsed::Unusable { .. } | Parsed::Nonsense => Err(CapabilityError::invalid(
                "The message does not point to a task.",
            )),
        };
        future::ready(published).boxed()
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        Box::pin(self.next())
    }

    /// The queue works if the store does, which is checked separately.
    fn check(&self) -> Answer<'_, ()> {
        future::ready(Ok(())).boxed()
    }
}

/// A task to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    task_id: String,
    user_id: String,
}

struct Waiting {
    runtime: Arc<dyn Runtime>,
    capacity: usize,
    line: Mutex<Line>,
    changed: Notify,
}

/// The tasks in the queue, first come, first served; each task at most once.
#[derive(Default)]
struct Line {
    ready: VecDeque<Entry>,
    later: BinaryHeap<Reverse<(Duration, Entry)>>,
    /// The ids of the entries in `ready` and `later`.
    ids: HashSet<String>,
}

impl Line {
    /// Moves delayed tasks whose time has come to the end of the queue.
    fn wake(&mut self, now: Duration) {
        while let Some(first) = self.later.peek_mut().filter(|first| first.0.0 <= now) {
            let Reverse((_, entry)) = PeekMut::pop(first);
            self.ready.push_back(entry);
        }
    }

    fn take(&mut self) -> Option<Entry> {
        let entry = self.ready.pop_front()?;
        self.ids.remove(&entry.task_id);
        Some(entry)
    }

    fn next_wake(&self) -> Option<Duration> {
        self.later.peek().map(|Reverse((at, _))| *at)
    }
}

impl Waiting {
    fn add(&self, entry: Entry) {
        let mut line = self.line();
        if self.admits(&mut line, &entry) {
            line.ready.push_back(entry);
            self.changed.notify_one();
        }
    }

    fn add_later(&self, entry: Entry, delay: Duration) {
        let mut line = self.line();
        if self.admits(&mut line, &entry) {
            let at = self.runtime.elapsed() + delay.min(MAX_DELAY);
            line.later.push(Reverse((at, entry)));
            self.changed.notify_one();
        }
    }

    fn admits(&self, line: &mut Line, entry: &Entry) -> bool {
        if line.ids.len() >= self.capacity && !line.ids.contains(&entry.task_id) {
            static FAULT: LogThrottle = LogThrottle::new();
            if let Some(times) = FAULT.times() {
                tracing::warn!(times, "the queue is full: a task waits until it is overdue");
            }
            return false;
        }
        line.ids.insert(entry.task_id.clone())
    }

    async fn next(&self) -> Entry {
        loop {
            let now = self.runtime.elapsed();
            let next_wake = {
                let mut line = self.line();
                line.wake(now);
                if let Some(entry) = line.take() {
                    // Wakes another receiver for the remaining tasks.
                    if !line.ids.is_empty() {
                        self.changed.notify_one();
                    }
                    return entry;
                }
                line.next_wake()
            };
            // If this receiver is dropped, another one has to watch the timer.
            let relay = Relay(&self.changed);
            let changed = pin!(self.changed.notified());
            match next_wake {
                Some(at) => drop(select(changed, self.runtime.sleep(at - now)).await),
                None => changed.await,
            }
            std::mem::forget(relay);
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes another receiver when dropped.
struct Relay<'a>(&'a Notify);

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A delivered task that is not answered yet.
struct Taken {
    waiting: Arc<Waiting>,
    /// None once it is answered.
    entry: Option<Entry>,
}

impl Taken {
    fn forget(mut self) {
        self.entry = None;
    }

    fn again(&mut self, delay: Duration) {
        if let Some(entry) = self.entry.take() {
            self.waiting.add_later(entry, delay);
        }
    }
}

impl Receipt for Taken {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.forget();
        future::ready(()).boxed()
    }

    fn nack(mut self: Box<Self>, delay: Duration) -> BoxFuture<'static, ()> {
        self.again(delay);
        future::ready(()).boxed()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.again(REDELIVERY_DELAY);
    }
}
