//! What a group of operations does beside its rows, once they are on the disk: nothing
//! earlier, and nothing of an operation that was undone.

use std::sync::Arc;

use concept_refinement_capability::room::Room;
use concept_refinement_capability::tasks::hub::{Hub, Update};

use super::promises::Promises;

pub(super) struct Effects {
    pub(super) promises: Promises,
    /// For the watchers of the tasks.
    pub(super) updates: Vec<(String, Update)>,
    /// Whether a webhook is due.
    pub(super) has_delivery: bool,
}

/// What there was before an operation.
pub(super) struct Mark {
    made: u64,
    ended: u64,
    updates: usize,
    has_delivery: bool,
}

impl Effects {
    pub(super) fn on(room: &Arc<Room>) -> Self {
        Self {
            promises: Promises::of(room),
            updates: Vec::new(),
            has_delivery: false,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            made: self.promises.made,
            ended: self.promises.ended,
            updates: self.updates.len(),
            has_delivery: self.has_delivery,
        }
    }

    pub(super) fn undo(&mut self, mark: &Mark) {
        self.promises.undo(mark.made, mark.ended);
        self.updates.truncate(mark.updates);
        self.has_delivery = mark.has_delivery;
    }

    /// The group was committed.
    pub(super) fn take_place(self, hub: &Hub) {
        self.promises.keep();
        for (task_id, update) in self.updates {
            hub.announce(&task_id, update);
        }
        if self.has_delivery {
            hub.announce_delivery();
        }
    }
}
