//! The room that the tasks of a group of operations are promised for their
//! refined images.
//!
//! Room is taken before the commit and given back after it, so that never more is
//! promised than there is.

use std::io;
use std::sync::Arc;

use concept_refinement_capability::room::Room;

/// Given back when dropped, unless they are kept.
pub(super) struct Promises {
    room: Arc<Room>,
    /// Tasks that were promised room by this group.
    pub(super) made: u64,
    /// Tasks that need theirs no longer, once the group is committed.
    pub(super) ended: u64,
}

impl Promises {
    pub(super) fn of(room: &Arc<Room>) -> Self {
        Self {
            room: Arc::clone(room),
            made: 0,
            ended: 0,
        }
    }

    pub(super) fn make(&mut self) -> io::Result<()> {
        self.room.reserve_task()?;
        self.made += 1;
        Ok(())
    }

    /// Back to what there was before an operation that failed.
    pub(super) fn undo(&mut self, made: u64, ended: u64) {
        self.room.release_tasks(self.made.saturating_sub(made));
        (self.made, self.ended) = (made, ended);
    }

    /// The group was committed.
    pub(super) fn keep(mut self) {
        self.room.release_tasks(self.ended);
        self.made = 0;
    }
}

impl Drop for Promises {
    fn drop(&mut self) {
        self.undo(0, 0);
    }
}
