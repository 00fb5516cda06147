//! A queue with any number of takers.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub struct Queue<T> {
    items: Mutex<VecDeque<T>>,
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
        self.items().push_back(item);
        self.pushed.notify_one();
    }

    /// Waits for the next item. Dropping the future loses none.
    pub async fn pop(&self) -> T {
        loop {
            let (item, has_more) = {
                let mut items = self.items();
                (items.pop_front(), !items.is_empty())
            };
            if let Some(item) = item {
                if has_more {
                    // One notification may stand for several items.
                    self.pushed.notify_one();
                }
                return item;
            }
            self.pushed.notified().await;
        }
    }

    fn items(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
