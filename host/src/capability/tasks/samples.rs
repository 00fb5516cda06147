//! Tasks for the tests of this crate.

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::task::Refinement;

/// A task of a user of the same name.
pub(crate) fn new_task(id: &str) -> NewTask {
    NewTask {
        id: id.into(),
        user_id: id.into(),
        is_anonymous: false,
        refinement: Refinement {
            original_image_url: "https://example.com/a.png".into(),
            refinement_prompt: "Make it lighter".into(),
            logo_description: None,
            theme_description: None,
        },
        original_path: None,
        original_found: true,
        idempotency_key: None,
        quota: None,
    }
}
