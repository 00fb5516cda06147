//! A refined concept: what a completed task leaves behind.

use crate::timestamp::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConcept {
    pub task_id: String,
    pub user_id: String,
    pub is_anonymous: bool,
    pub image_path: String,
    pub image_url: String,
    pub original_image_url: String,
    pub refinement_prompt: String,
    pub logo_description: Option<String>,
    pub theme_description: Option<String>,
    /// Always empty for a refined concept (seed).
    pub color_palettes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concept {
    /// A UUID in lower case.
    pub id: String,
    pub created_at: Timestamp,
    pub content: NewConcept,
}
