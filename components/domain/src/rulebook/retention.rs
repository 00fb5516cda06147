//! Which data has expired, and which images are still needed.

use crate::image_path::is_path_of;
use crate::refined;
use crate::task::Task;
use crate::timestamp::Timestamp;

/// Whether the task ended before this time.
pub fn task_has_expired(task: &Task, before: Timestamp) -> bool {
    task.completed_at.is_some_and(|end| end < before)
}

/// A concept expires by its own age, since its task may have been deleted. It stays while
/// its image is the original of a task that is not final.
pub fn concept_has_expired(created_at: Timestamp, is_original: bool, before: Timestamp) -> bool {
    created_at < before && !is_original
}

/// A store's knowledge about an image, and about the task in the name of a refined
/// image.
#[derive(Clone, Copy, Debug)]
pub struct ImageFacts<'a> {
    /// None: the store does not know the task, or has forgotten it.
    pub task: Option<&'a Task>,
    /// The task or its concept was deleted, by a user or because of its age.
    pub is_forgotten: bool,
    /// The image of the task's concept.
    pub concept_image: Option<&'a str>,
    /// It is the original or the mask of a task that is not final.
    pub is_original: bool,
}

/// Whether nothing refers to an image now or will ever refer to it. Its path may lack the
/// format, which not every store lists.
///
/// Until its task ends, each of its images may be useful: the next worker looks for one
/// before it calls the model. An image of an unknown task, or with a name of another
/// form, may be all that is left after the loss of a database.
pub fn is_unreferenced(path: &str, facts: ImageFacts<'_>) -> bool {
    if facts.is_original {
        return false;
    }
    if refined::task_and_attempt(path).is_none() {
        return !refined::is_refined(path);
    }
    let is_over = facts.task.is_some_and(|task| task.status.is_final());
    let is_of_concept = |image| is_path_of(path, image);
    (is_over || facts.is_forgotten) && !facts.concept_image.is_some_and(is_of_concept)
}
