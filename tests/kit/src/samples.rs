//! Tasks for tests.

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::task::Refinement;

/// A task whose user has the same name as the id.
pub fn new_task(id: &str) -> NewTask {
    NewTask {
        id: id.into(),
        user_id: id.into(),
        is_anonymous: false,
        refinement: Refinement {
            original_image_url: Some("https://example.com/a.png".into()),
            refinement_prompt: "Make it lighter".into(),
            ..Refinement::default()
        },
        webhook: None,
        original_path: None,
        mask_path: None,
        parent: None,
        images_found: true,
        idempotency_key: None,
        replayed_within: None,
        quota: None,
        active_tasks: 1,
        budget: None,
        reservation: None,
        trace: None,
    }
}
