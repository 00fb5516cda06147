//! A refined concept, the result of a completed task.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::capability::Stored;
use crate::task::{Refinement, Task};
use crate::timestamp::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConceptContent {
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
    pub content: ConceptContent,
}

impl Concept {
    /// The concept of a task that is completed now with this image.
    pub fn of(task: &Task, image: Stored, now: Timestamp) -> Self {
        let Refinement {
            original_image_url,
            refinement_prompt,
            logo_description,
            theme_description,
        } = task.refinement.clone();
        Self {
            id: id_for(&task.id),
            created_at: now,
            content: ConceptContent {
                task_id: task.id.clone(),
                user_id: task.user_id.clone(),
                is_anonymous: task.is_anonymous,
                image_path: image.path,
                image_url: image.url,
                original_image_url,
                refinement_prompt,
                logo_description,
                theme_description,
                color_palettes: Vec::new(),
            },
        }
    }
}

/// The id of a task's concept, derived from the task's id. A task has one
/// concept.
pub fn id_for(task_id: &str) -> String {
    let hash = Sha256::new()
        .chain_update("concept of task ")
        .chain_update(task_id)
        .finalize();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = from;
    }
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
