//! The queue inside the task store, as the configuration chooses it.

use std::future::ready;
use std::sync::Arc;

use super::StoreQueue;
use crate::capability::engine::{Engine, QueueEngine};

/// Tasks in the queue at most; one more is found by the sweep.
const CAPACITY: usize = 100_000;

/// `store`: wherever the tasks are.
pub const ENGINE: QueueEngine = Engine {
    name: "store",
    exists: |_| Ok(true),
    open: |_, tasks| {
        let queue = match tasks.shared {
            Some(shared) => shared.queue,
            None => Arc::new(StoreQueue::new(tasks.store, CAPACITY)),
        };
        Box::pin(ready(Ok(queue)))
    },
    at_rest: |_| Box::pin(ready(Ok(None))),
    inspect: None,
    migrate: None,
};
