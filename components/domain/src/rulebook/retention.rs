//! Deleting a task, what is old enough to be forgotten, and which images are
//! still needed.

use crate::capability::Deleted;
use crate::refined;
use crate::task::{Status, Task};
use crate::timestamp::Timestamp;

use super::TaskRecord;

/// Forgets the task, with a concept that is only prepared, and remembers that
/// it did; its quota and its idempotency key stay. None: it is another user's.
pub fn delete(record: &TaskRecord, user_id: &str) -> Option<Deleted> {
    (record.task.user_id == user_id).then(|| Deleted {
        unpublished_image: record.unpublished_image(),
    })
}

/// Whether the task ended before then.
pub fn task_has_expired(task: &Task, before: Timestamp) -> bool {
    task.completed_at.is_some_and(|end| end < before)
}

/// A concept goes by its own age, since its task may have been deleted, and
/// stays while its image is the original of a task that is not final.
pub fn concept_has_expired(created_at: Timestamp, is_original: bool, before: Timestamp) -> bool {
    created_at < before && !is_original
}

/// What a store knows about an image, and about the task that a refined image
/// is named after.
#[derive(Clone, Copy, Debug)]
pub struct ImageFacts<'a> {
    /// None: the store does not know the task, or not any more.
    pub task: Option<&'a TaskRecord>,
    /// The task, or its concept, was deleted or forgotten because of its age.
    pub is_forgotten: bool,
    /// The image of the task's concept, visible or prepared.
    pub concept_image: Option<&'a str>,
    /// It is the original of a task that is not final.
    pub is_original: bool,
}

/// Whether nothing refers to an image and nothing ever will.
///
/// Attempts only grow: one before the task's own was fenced out for ever, and
/// left something of use only if that is the checkpoint. An image of a task
/// that was never known, or with a name of another form, may be all that is
/// left after the loss of a database.
pub fn is_unreferenced(path: &str, facts: ImageFacts<'_>) -> bool {
    if facts.is_original {
        return false;
    }
    let Some((_, attempt)) = refined::task_and_attempt(path) else {
        return !refined::is_refined(path);
    };
    let is_wanted = |record: &TaskRecord| {
        let may_be_stored = match record.task.status {
            Status::Pending => attempt > record.attempt,
            Status::Processing => attempt >= record.attempt,
            Status::Completed | Status::Failed => return false,
        };
        may_be_stored || record.checkpoint.as_deref() == Some(path)
    };
    let is_done_with = facts.task.is_some_and(|record| !is_wanted(record));
    (is_done_with || facts.is_forgotten) && facts.concept_image != Some(path)
}
