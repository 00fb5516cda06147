//! A queue with any number of consumers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

pub struct Queue<T> {
    /// Each with the time when it was pushed.
    items: Mutex<VecDeque<(Instant, T)>>,
    pushed: Notify,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            items: Mutex::default(),
            pushed: Notify::new(),
        }
    }
}

impl<T> Queue<T> {
    pub fn push(&self, item: T) {
        self.items.lock().push_back((Instant::now(), item));
        self.pushed.notify_one();
    }

    /// Waits for the next item. Cancel-safe.
    pub async fn pop(&self) -> T {
        loop {
            let (item, has_more) = {
                let mut items = self.items.lock();
                (items.pop_front(), !items.is_empty())
            };
            if let Some((_, item)) = item {
                if has_more {
                    // Several pushes may have caused a single notification.
                    self.pushed.notify_one();
                }
                return item;
            }
            self.pushed.notified().await;
        }
    }

    /// How long the first item has waited. None: the queue is empty.
    pub fn wait(&self) -> Option<Duration> {
        let items = self.items.lock();
        items.front().map(|(since, _)| since.elapsed())
    }

    /// The first item, if it has waited for at least this long.
    pub fn pop_after(&self, wait: Duration) -> Option<T> {
        let mut items = self.items.lock();
        let first = items.pop_front_if(|(since, _)| since.elapsed() >= wait);
        first.map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_goes_to_who_takes_it_or_after_its_wait() {
        let queue = Queue::default();
        assert_eq!(queue.wait(), None);
        queue.push(1);
        queue.push(2);
        assert!(queue.wait().is_some());
        assert_eq!(queue.pop_after(Duration::from_secs(3600)), None);
        assert_eq!(queue.pop_after(Duration::ZERO), Some(1));
        assert_eq!(queue.pop().await, 2);
        assert_eq!(queue.pop_after(Duration::ZERO), None);
        assert_eq!(queue.wait(), None);
    }
}
