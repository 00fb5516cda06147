//! Tasks for tests.

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::task::Refinement;

/// A task whose user has the same name as the id.
pub fn new_task(id: &str) -> NewTask {
    NewTask::new(
        id,
        id,
        Refinement::new("https://example.com/a.png", "Make it lighter"),
    )
}
