//! The space for refined images that this host has promised to the tasks that it
//! accepted, until it learns of their end.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use concept_refinement_capability::room::{NoRoom, Room};
use parking_lot::Mutex;

#[derive(Debug)]
pub(crate) struct Promises {
    room: Arc<Room>,
    tasks: Mutex<HashSet<String>>,
}

/// A promise, which is taken back when dropped, unless it is kept.
pub(crate) struct Promise<'a> {
    promises: &'a Promises,
    task_id: &'a str,
}

impl Promises {
    pub(crate) fn of(room: Arc<Room>) -> Self {
        Self {
            room,
            tasks: Mutex::default(),
        }
    }

    /// # Errors
    ///
    /// There is no space for another image.
    pub(crate) fn make<'a>(&'a self, task_id: &'a str) -> Result<Promise<'a>, NoRoom> {
        self.room.reserve_task()?;
        self.tasks.lock().insert(task_id.to_owned());
        Ok(Promise {
            promises: self,
            task_id,
        })
    }

    /// Gives the task's space back.
    pub(crate) fn release(&self, task_id: &str) {
        if self.tasks.lock().remove(task_id) {
            self.room.release_tasks(1);
        }
    }

    /// All tasks with promised space.
    pub(crate) fn all(&self) -> Vec<String> {
        self.tasks.lock().iter().cloned().collect()
    }
}

impl Promise<'_> {
    pub(crate) fn keep(self) {
        mem::forget(self);
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.promises.release(self.task_id);
    }
}
