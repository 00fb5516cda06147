//! The tasks that a worker works on, so that it takes none over from itself.
//!
//! While the store cannot be written, a lease runs out although its worker lives, and the
//! worker may hold what a model was paid for. It renews the lease as soon as it can. The message
//! is delivered again, to another host if there is one, which may take the task over. While the
//! lease lasts, another message of the task is of no use.

use std::collections::HashMap;

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::timestamp::Timestamp;
use parking_lot::Mutex;

/// The ids of the tasks in flight, and until when they are leased, once they are.
#[derive(Default)]
pub struct InFlight(Mutex<HashMap<String, Option<Timestamp>>>);

/// A task in flight, until this is dropped.
pub struct Entry<'a> {
    in_flight: &'a InFlight,
    task_id: String,
}

impl InFlight {
    /// None: it is in flight already.
    pub fn enter(&self, task_id: &str) -> Option<Entry<'_>> {
        let mut tasks = self.0.lock();
        if tasks.contains_key(task_id) {
            return None;
        }
        tasks.insert(task_id.to_owned(), None);
        Some(Entry {
            in_flight: self,
            task_id: task_id.to_owned(),
        })
    }

    /// A task in flight has this lease now.
    pub fn lease(&self, lease: &Lease) {
        if let Some(until) = self.0.lock().get_mut(&lease.task_id) {
            *until = Some(lease.until);
        }
    }

    /// Whether the lease of a task in flight has run out.
    pub fn is_overdue(&self, task_id: &str, now: Timestamp) -> bool {
        let until = self.0.lock().get(task_id).copied().flatten();
        until.is_some_and(|until| until <= now)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.in_flight.0.lock().remove(&self.task_id);
    }
}
