//! How a task may end.

use concept_refinement_domain::task::{Status, Task};

/// With the image `refined/x.png`.
pub fn completed(task: &mut Task) {
    task.status = Status::Completed;
    task.updated_at = Some(task.created_at);
    task.completed_at = Some(task.created_at);
    task.result_id = Some("c2a4e8f0-5b7d-4c3a-8e91-6d2f0b9a7c55".into());
    task.image_path = Some("refined/x.png".into());
}

pub fn failed(task: &mut Task) {
    task.status = Status::Failed;
    task.updated_at = Some(task.created_at);
    task.completed_at = Some(task.created_at);
    task.error_message = Some("It failed.".into());
}
