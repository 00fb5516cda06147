//! Tasks as this host last saw them, so that most changes need not read first.
//!
//! Entries may be outdated. A change based on one is written by a compare-and-swap, which
//! then fails; no request is answered from here alone.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::tasks::rows::StoredTask;

/// More than a host works on at a time. When it is exceeded, all entries are dropped.
const CAPACITY: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<HashMap<String, StoredTask>>);

impl Recent {
    pub(crate) fn get(&self, task_id: &str) -> Option<StoredTask> {
        self.0.lock().get(task_id).cloned()
    }

    /// Final tasks are removed: they rarely change any more.
    pub(crate) fn put(&self, stored: &StoredTask) {
        let mut all = self.0.lock();
        let task = &stored.record.task;
        if task.status.is_final() {
            all.remove(&task.id);
            return;
        }
        if all.len() >= CAPACITY {
            all.clear();
        }
        all.insert(task.id.clone(), stored.clone());
    }

    pub(crate) fn forget(&self, task_id: &str) {
        self.0.lock().remove(task_id);
    }
}
