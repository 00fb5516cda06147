//! A refined concept, the result of a completed task.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid, Version};

use crate::capability::RefinedImage;
use crate::document::OtherFields;
use crate::provenance::Provenance;
use crate::task::Task;
use crate::timestamp::Timestamp;

/// The contents of a concept, except for its id and time: its document, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConceptContent {
    /// The task that produced it.
    pub task_id: String,
    /// The user who owns it.
    pub user_id: String,
    /// Whether the user has no account.
    pub is_anonymous: bool,
    /// The path of the refined image.
    pub image_path: String,
    /// The SHA-256 of its bytes, in hexadecimal. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_sha256: Option<String>,
    /// A URL for it, from the time when it was stored.
    pub image_url: String,
    /// Where the original is.
    pub original_image_url: String,
    /// The concept that it was refined from, which may have been deleted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The requested change.
    pub refinement_prompt: String,
    /// What the logo shows.
    pub logo_description: Option<String>,
    /// The theme.
    pub theme_description: Option<String>,
    /// Always empty for a refined concept (seed).
    pub color_palettes: Vec<String>,
    /// The model's notes on its work. Records of earlier versions have none.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Where its image says that it comes from. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// Fields that only a later version knows.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The result of a completed task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concept {
    /// A UUID in lower case.
    pub id: String,
    /// When the task was completed.
    pub created_at: Timestamp,
    /// The contents.
    pub content: ConceptContent,
}

impl Concept {
    /// The concept of a task that is completed now with this image.
    pub fn of(task: &Task, image: RefinedImage, now: Timestamp) -> Self {
        let RefinedImage {
            stored,
            notes,
            provenance,
        } = image;
        let refinement = &task.refinement;
        Self {
            id: id_for(&task.id),
            created_at: now,
            content: ConceptContent {
                task_id: task.id.clone(),
                user_id: task.user_id.clone(),
                is_anonymous: task.is_anonymous,
                image_path: stored.path,
                image_sha256: stored.sha256,
                image_url: stored.url,
                original_image_url: task.original_address().to_owned(),
                parent_id: task.parent.as_ref().map(|parent| parent.id.clone()),
                refinement_prompt: refinement.refinement_prompt.clone(),
                logo_description: refinement.logo_description.clone(),
                theme_description: refinement.theme_description.clone(),
                color_palettes: Vec::new(),
                notes,
                provenance,
                other: OtherFields::default(),
            },
        }
    }
}

/// The id of a task's concept, derived from the task's id. Sorts by time if the task's id
/// does. A task has at most one concept.
pub fn id_for(task_id: &str) -> String {
    let hash = Sha256::new()
        .chain_update("concept of task ")
        .chain_update(task_id)
        .finalize();
    let mut bytes: [u8; 16] = hash.first_chunk().copied().unwrap_or_default();
    let task = Uuid::try_parse(task_id).ok();
    let ordered = task.filter(|task| task.get_version() == Some(Version::SortRand));
    for (to, from) in bytes.iter_mut().zip(ordered.iter().flat_map(time)) {
        *to = from;
    }
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The milliseconds that an ordered UUID begins with (RFC 9562, 5.7).
fn time(id: &Uuid) -> impl Iterator<Item = u8> {
    id.into_bytes().into_iter().take(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concept_has_an_id_of_its_own() {
        // Random task ids of an earlier version must keep their concept ids.
        let random = "6f1c2a34-0000-4000-8000-000000000001";
        assert_eq!(id_for(random), "a4066e16-b272-87d4-98a5-eb04af600c3b");
        let ordered = "0190c0de-0000-7000-8000-000000000001";
        let id = id_for(ordered);
        assert!(id.starts_with("0190c0de-0000-8"), "{id}");
        assert_ne!(id, id_for("0190c0de-0000-7000-8000-000000000002"));
        assert_eq!(Uuid::try_parse(&id_for("")).unwrap().get_version_num(), 8);
    }
}
