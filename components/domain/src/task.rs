//! A refinement task: its data. For what can happen to it see [`crate::rulebook`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Builder;

use crate::aspect::Aspect;
use crate::partial_edit::Region;
use crate::payment::Usage;
use crate::strength::Strength;
use crate::timestamp::Timestamp;

/// The fields of a refinement request, as sent; those that are optional and came after the
/// first release are left out of documents and answers where they were not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refinement {
    /// Where the original is. None: it is the image of a concept.
    pub original_image_url: Option<String>,
    /// What to change.
    pub refinement_prompt: String,
    /// What the logo shows.
    pub logo_description: Option<String>,
    /// The theme.
    pub theme_description: Option<String>,
    /// The concept whose image is the original. There is no URL then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_concept_id: Option<String>,
    /// What is to stay as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preserve_aspects: Option<Vec<Aspect>>,
    /// How strongly a model may change the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
    /// For a model that draws random numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// What is to change. There is no mask then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Where an image is that shows what is to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_url: Option<String>,
    /// How many pixels of the edge blend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_feather: Option<u32>,
    /// Whether the model sees only what is to change, with a margin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_only: Option<bool>,
    /// How long after its submission a worker has to have begun it, and then to have ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<u32>,
}

/// The concept whose image is refined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its id.
    pub id: String,
    /// The address of its image, without a signature.
    pub image_url: String,
}

impl Refinement {
    /// The change of the original at a URL, with nothing that is optional.
    pub fn new(
        original_image_url: impl Into<String>,
        refinement_prompt: impl Into<String>,
    ) -> Self {
        Self {
            original_image_url: Some(original_image_url.into()),
            refinement_prompt: refinement_prompt.into(),
            ..Self::default()
        }
    }

    /// Whether only a part of the original is to change.
    pub fn is_partial(&self) -> bool {
        self.region.is_some() || self.mask_url.is_some()
    }
}

impl Task {
    /// When it fails unless a worker has begun it, and when one that has begun it ends. None:
    /// it may wait for any time.
    pub fn deadline(&self) -> Option<Timestamp> {
        let seconds = self.refinement.deadline_seconds?;
        Some(self.created_at.plus(Duration::from_secs(seconds.into())))
    }

    /// Where the original is, or was when the task was submitted.
    pub fn original_address(&self) -> &str {
        let sent = self.refinement.original_image_url.as_deref();
        let parent = || self.parent.as_ref().map(|parent| parent.image_url.as_str());
        sent.or_else(parent).unwrap_or_default()
    }
}

// In the order of a task's life.
crate::words! {
    /// The status of a task; the last two are final.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Status {
        /// It waits for a worker.
        #[default]
        Pending = "pending",
        /// A worker has claimed it.
        Processing = "processing",
        /// It has a concept.
        Completed = "completed",
        /// It has an error message.
        Failed = "failed",
    }
}

/// An id that sorts by time (a UUID of version 7), from this many random bits: new tasks
/// are then adjacent in a store, and few pages are written.
pub fn id_at(now: Timestamp, random: u128) -> String {
    let random = random.to_be_bytes();
    let bits = random.first_chunk::<10>().copied().unwrap_or_default();
    Builder::from_unix_timestamp_millis(now.0 / 1_000, &bits)
        .into_uuid()
        .to_string()
}

/// A refinement task, as its user sees it.
///
/// What is serialized is its part of the state document (see [`crate::document`]); what is
/// skipped has a column of its own, or is in the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// A UUID in lower case.
    #[serde(skip)]
    pub id: String,
    /// The user who owns it.
    #[serde(skip)]
    pub user_id: String,
    /// Whether the user has no account.
    #[serde(skip)]
    pub is_anonymous: bool,
    /// Its status.
    #[serde(skip)]
    pub status: Status,
    /// What was requested.
    #[serde(skip)]
    pub refinement: Refinement,
    /// The path, if the original is an image of this service.
    #[serde(skip)]
    pub original_path: Option<String>,
    /// The path, if the mask is an image of this service.
    #[serde(skip)]
    pub mask_path: Option<String>,
    /// The concept that the original is the image of, if it is one of the user's. It may have
    /// been deleted since.
    #[serde(skip)]
    pub parent: Option<Parent>,
    /// When it was submitted.
    #[serde(skip)]
    pub created_at: Timestamp,
    /// None until the task first changes.
    #[serde(skip)]
    pub updated_at: Option<Timestamp>,
    /// Set in both final states.
    #[serde(skip)]
    pub completed_at: Option<Timestamp>,
    /// The refined concept's id, once completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_id: Option<String>,
    /// The refined image's path, from completion until the concept is deleted.
    #[serde(skip)]
    pub image_path: Option<String>,
    /// The notes of the model on its work, once completed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The link of the model that answered, once completed, where the host knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why it failed, in a sentence for its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The same for programs. None too of a task that an earlier version ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_cause: Option<FailureCause>,
    /// What its work cost, once it has ended, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// When the lease expires, while processing.
    #[serde(skip)]
    pub lease_until: Option<Timestamp>,
}

/// Why a task failed, as far as it matters for who would repeat the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCause {
    /// The request cannot be fulfilled: its original, its mask or the model refused it.
    Refused,
    /// A provider was asked, and may charge for it: a repeat may cost again.
    PerhapsPaid,
    /// Anything else.
    Other,
}

// In the order of the pipeline: what is in progress, as users see it.
crate::words! {
    /// The stages of the pipeline that a user can watch.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Stage {
        /// The original is downloaded.
        Downloading = "downloading",
        /// The model is called.
        Refining = "refining",
        /// The refined image is stored.
        StoringImage = "storing-image",
        /// The task is completed with its concept.
        StoringConcept = "storing-concept",
    }
}

/// A change that watchers of a task receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The task as it is now.
    Task(Box<Task>),
    /// This stage begins.
    Progress(Stage),
    /// The task was deleted.
    Deleted,
}

impl Stage {
    /// What failed, as operators see it.
    pub fn step(self) -> &'static str {
        match self {
            Self::Downloading => "download",
            Self::Refining => "refine",
            Self::StoringImage => "store-image",
            Self::StoringConcept => "store-concept",
        }
    }
}

impl Status {
    /// Whether the status never changes again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

#[cfg(test)]
impl Task {
    /// A pending task with only its required fields.
    pub(crate) fn example() -> Self {
        Self {
            id: "0190c0de-0000-7000-8000-000000000001".into(),
            user_id: "ada".into(),
            refinement: Refinement::new("https://example.com/a.png", "Make it lighter"),
            created_at: Timestamp::from_secs(1_000),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_time_and_differ() {
        let now = Timestamp(1_795_176_000_123_456);
        let id = id_at(now, u128::MAX);
        assert_eq!(id, "01a1f8d3-ea7b-7fff-bfff-ffffffffffff");
        assert_ne!(id, id_at(now, u128::MAX << 64));
        let later = Timestamp(now.0 + 1_000);
        assert!(id < id_at(later, 0));
        let parsed = uuid::Uuid::try_parse(&id).unwrap();
        assert_eq!(parsed.get_version_num(), 7);
    }

    #[test]
    fn a_status_reads_back() {
        for status in Status::ALL {
            assert_eq!(Status::of(status.as_str()), Some(status));
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::Value::from(status.as_str())
            );
        }
        for text in ["", "Pending", "pending ", "done"] {
            assert_eq!(Status::of(text), None, "{text}");
        }
    }
}
