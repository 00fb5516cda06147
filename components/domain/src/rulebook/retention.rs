//! What is old enough to be forgotten, and which images are still needed.

use crate::image_path::is_path_of;
use crate::refined;
use crate::task::Task;
use crate::timestamp::Timestamp;

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
    pub task: Option<&'a Task>,
    /// The task, or its concept, was deleted or forgotten because of its age.
    pub is_forgotten: bool,
    /// The image of the task's concept.
    pub concept_image: Option<&'a str>,
    /// It is the original of a task that is not final.
    pub is_original: bool,
}

/// Whether nothing refers to an image and nothing ever will. Its path may be without its
/// format, which not every store tells in a list.
///
/// Until its task ends, each image of it may be of use: who claims it next looks
/// for one before it asks the model. An image of a task that was never known, or
/// with a name of another form, may be all that is left after the loss of a
/// database.
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
