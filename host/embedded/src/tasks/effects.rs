//! Side effects of operations, applied once their rows are on the disk, and only if the
//! operation succeeded.
//!
//! Only space for refined images is reserved before the commit, and given back after it,
//! so that never more is promised than there is.

use std::mem::take;
use std::sync::Arc;

use concept_refinement_capability::room::Room;
use concept_refinement_capability::tasks::hub::{Hub, Update};
use concept_refinement_domain::spending::Booking;
use concept_refinement_domain::step::Step;

use super::fault::Fault;

pub(super) struct Effects {
    room: Arc<Room>,
    hub: Arc<Hub>,
    /// Tasks whose space was promised; given back when this is dropped.
    promised: u64,
    /// Steps of tasks to be stored; noted again when this is dropped.
    noted: Vec<(String, Vec<Step>)>,
    /// Number of tasks that no longer need their space, since they are final or deleted.
    pub(super) ended: u64,
    /// Updates for the watchers of tasks.
    pub(super) updates: Vec<(String, Update)>,
    /// Tasks whose claims are revoked.
    pub(super) revoked: Vec<String>,
    /// Whether a webhook is due.
    pub(super) has_delivery: bool,
    /// What tasks cost that have ended.
    pub(super) bookings: Vec<Booking>,
}

impl Effects {
    pub(super) fn on(room: &Arc<Room>, hub: &Arc<Hub>) -> Self {
        Self {
            room: Arc::clone(room),
            hub: Arc::clone(hub),
            promised: 0,
            noted: Vec::new(),
            ended: 0,
            updates: Vec::new(),
            revoked: Vec::new(),
            has_delivery: false,
            bookings: Vec::new(),
        }
    }

    /// Reserves space for a task that is accepted.
    pub(super) fn promise_room(&mut self) -> Result<(), Fault> {
        self.room.reserve_task().map_err(Fault::NoRoom)?;
        self.promised += 1;
        Ok(())
    }

    /// The steps of a task to be stored with a change of it.
    pub(super) fn take_steps(&mut self, task_id: &str) -> Vec<Step> {
        let steps = self.hub.take_steps(task_id);
        if !steps.is_empty() {
            self.noted.push((task_id.to_owned(), steps.clone()));
        }
        steps
    }

    /// Applies the effects, after everything was committed.
    pub(super) fn apply(mut self) {
        self.promised = 0;
        self.noted.clear();
        self.room.release_tasks(self.ended);
        for (task_id, update) in take(&mut self.updates) {
            self.hub.announce(&task_id, update);
        }
        for task_id in take(&mut self.revoked) {
            self.hub.revoke(&task_id);
        }
        self.hub.count_spent(&self.bookings);
        if self.has_delivery {
            self.hub.announce_delivery();
        }
    }
}

impl Drop for Effects {
    fn drop(&mut self) {
        self.room.release_tasks(self.promised);
        for (task_id, steps) in take(&mut self.noted) {
            self.hub.note_again(&task_id, steps);
        }
    }
}
