//! The tasks that a worker works on, so that it takes none over from itself.
//!
//! While the store cannot be written, a lease runs out although its worker lives, and the
//! worker may hold what a model was paid for. It renews the lease as soon as it can. The message
//! is delivered again, to another host if there is one, which may take the task over.

use std::collections::HashSet;

use parking_lot::Mutex;

/// The ids of the tasks in flight.
#[derive(Default)]
pub struct InFlight(Mutex<HashSet<String>>);

/// A task in flight, until this is dropped.
pub struct Entry<'a> {
    in_flight: &'a InFlight,
    task_id: String,
}

impl InFlight {
    /// None: it is in flight already.
    pub fn enter(&self, task_id: &str) -> Option<Entry<'_>> {
        let is_new = self.0.lock().insert(task_id.to_owned());
        is_new.then(|| Entry {
            in_flight: self,
            task_id: task_id.to_owned(),
        })
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.in_flight.0.lock().remove(&self.task_id);
    }
}
