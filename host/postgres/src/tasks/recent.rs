//! Tasks as this host last saw them, so that most changes need not read first.
//!
//! Entries may be outdated. A change based on one is written by a compare-and-swap, which
//! then fails; no request is answered from here alone.

use std::collections::HashMap;

use concept_refinement_domain::rulebook::TaskRecord;
use parking_lot::Mutex;

/// More than a host works on at a time. When it is exceeded, all entries are dropped.
const CAPACITY: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<HashMap<String, TaskRecord>>);

impl Recent {
    pub(crate) fn get(&self, task_id: &str) -> Option<TaskRecord> {
        self.0.lock().get(task_id).cloned()
    }

    /// Final tasks are removed: nothing changes them any more.
    pub(crate) fn put(&self, record: &TaskRecord) {
        let mut all = self.0.lock();
        if record.task.status.is_final() {
            all.remove(&record.task.id);
            return;
        }
        if all.len() >= CAPACITY {
            all.clear();
        }
        all.insert(record.task.id.clone(), record.clone());
    }

    pub(crate) fn forget(&self, task_id: &str) {
        self.0.lock().remove(task_id);
    }
}
