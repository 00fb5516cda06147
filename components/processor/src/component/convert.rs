//! Conversions between WIT and domain values.

use concept_refinement_domain::capability::{
    CapabilityError, Claimed, ErrorKind, Fenced, ImageInfo, ImageKind, Lease, NewImage, Stored,
    StoredOrNot,
};
use concept_refinement_domain::concept::NewConcept;
use concept_refinement_domain::task::{Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use super::concept::refinement::{concept_store, image_store, task_store, types};
use super::exports::concept::refinement::processor;
use crate::process;

impl From<process::Outcome> for processor::Outcome {
    fn from(outcome: process::Outcome) -> Self {
        match outcome {
            process::Outcome::Done => Self::Done,
            process::Outcome::Skipped => Self::Skipped,
            process::Outcome::RetryLater(reason) => Self::RetryLater(reason),
            process::Outcome::Rejected(reason) => Self::Rejected(reason),
        }
    }
}

impl From<types::Error> for CapabilityError {
    fn from(error: types::Error) -> Self {
        Self {
            kind: match error.kind {
                types::ErrorKind::Unavailable => ErrorKind::Unavailable,
                types::ErrorKind::Full => ErrorKind::Full,
                types::ErrorKind::Invalid => ErrorKind::Invalid,
            },
            message: error.message,
        }
    }
}

impl From<types::Fenced> for Fenced {
    fn from(fenced: types::Fenced) -> Self {
        match fenced {
            types::Fenced::Done => Self::Done,
            types::Fenced::Lost => Self::Lost,
        }
    }
}

impl From<&Lease> for types::Lease {
    fn from(lease: &Lease) -> Self {
        Self {
            task_id: lease.task_id.clone(),
            attempt: lease.attempt,
            until: lease.until.0,
            renew_after: lease.renew_after,
        }
    }
}

impl From<types::Lease> for Lease {
    fn from(lease: types::Lease) -> Self {
        Self {
            task_id: lease.task_id,
            attempt: lease.attempt,
            until: Timestamp(lease.until),
            renew_after: lease.renew_after,
        }
    }
}

impl From<Stage> for types::Stage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Downloading => Self::Downloading,
            Stage::Refining => Self::Refining,
            Stage::StoringImage => Self::StoringImage,
            Stage::StoringConcept => Self::StoringConcept,
        }
    }
}

impl From<task_store::Claimed> for Claimed {
    fn from(claimed: task_store::Claimed) -> Self {
        Self {
            lease: claimed.lease.into(),
            task: claimed.task.into(),
            checkpoint: claimed.checkpoint,
        }
    }
}

impl From<types::Task> for Task {
    fn from(task: types::Task) -> Self {
        Self {
            id: task.id,
            user_id: task.user_id,
            is_anonymous: task.is_anonymous,
            status: match task.status {
                types::Status::Pending => Status::Pending,
                types::Status::Processing => Status::Processing,
                types::Status::Completed => Status::Completed,
                types::Status::Failed => Status::Failed,
            },
            refinement: Refinement {
                original_image_url: task.refinement.original_image_url,
                refinement_prompt: task.refinement.refinement_prompt,
                logo_description: task.refinement.logo_description,
                theme_description: task.refinement.theme_description,
            },
            original_path: task.original_path,
            created_at: Timestamp(task.created_at),
            updated_at: task.updated_at.map(Timestamp),
            completed_at: task.completed_at.map(Timestamp),
            result_id: task.result_id,
            image_path: task.image_path,
            error_message: task.error_message,
            lease_until: task.lease_until.map(Timestamp),
        }
    }
}

impl From<NewImage> for image_store::NewImage {
    fn from(image: NewImage) -> Self {
        Self {
            kind: match image.kind {
                ImageKind::Upload => image_store::Kind::Upload,
                ImageKind::Refined => image_store::Kind::Refined,
            },
            name: image.name,
            owner: image.owner,
            media_type: image.media_type,
            length: image.length,
            metadata: image.metadata,
            at_most: image.at_most,
        }
    }
}

impl From<image_store::StoredOrNot> for StoredOrNot {
    fn from(stored: image_store::StoredOrNot) -> Self {
        match stored {
            image_store::StoredOrNot::Stored(stored) => Self::Stored(Stored {
                path: stored.path,
                url: stored.url,
            }),
            image_store::StoredOrNot::TooMany => Self::TooMany,
            image_store::StoredOrNot::WrongLength => Self::WrongLength,
        }
    }
}

impl From<image_store::Info> for ImageInfo {
    fn from(info: image_store::Info) -> Self {
        Self {
            path: info.path,
            kind: match info.kind {
                image_store::Kind::Upload => ImageKind::Upload,
                image_store::Kind::Refined => ImageKind::Refined,
            },
            owner: info.owner,
            media_type: info.media_type,
            size: info.size,
            etag: info.etag,
            created_at: Timestamp(info.created_at),
        }
    }
}

impl From<NewConcept> for concept_store::NewConcept {
    fn from(concept: NewConcept) -> Self {
        Self {
            task_id: concept.task_id,
            user_id: concept.user_id,
            is_anonymous: concept.is_anonymous,
            image_path: concept.image_path,
            image_url: concept.image_url,
            original_image_url: concept.original_image_url,
            refinement_prompt: concept.refinement_prompt,
            logo_description: concept.logo_description,
            theme_description: concept.theme_description,
            color_palettes: concept.color_palettes,
        }
    }
}
