//! Conversions between WIT and domain values, the other way round than in a
//! host: what a store is asked goes in, what it answers comes out.

use concept_refinement_domain::capability::{
    Accepted, Access, CapabilityError, Claimed, Deleted, ErrorKind, Fenced, ImageInfo, ImageKind,
    Lease, NewImage, NewTask, Page, Position, Resolved, Stored, StoredOrNot, Submission,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::task::{Change, Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use super::bindings::concept::refinement::types;
use super::bindings::exports::concept::refinement::{concept_store, image_store, task_store};

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

impl From<Lease> for types::Lease {
    fn from(lease: Lease) -> Self {
        Self {
            task_id: lease.task_id,
            attempt: lease.attempt,
            until: lease.until.0,
            renew_after: lease.renew_after,
        }
    }
}

impl From<types::Position> for Position {
    fn from(position: types::Position) -> Self {
        Self {
            created_at: Timestamp(position.created_at),
            id: position.id,
        }
    }
}

impl From<Position> for types::Position {
    fn from(position: Position) -> Self {
        Self {
            created_at: position.created_at.0,
            id: position.id,
        }
    }
}

impl From<types::Status> for Status {
    fn from(status: types::Status) -> Self {
        match status {
            types::Status::Pending => Self::Pending,
            types::Status::Processing => Self::Processing,
            types::Status::Completed => Self::Completed,
            types::Status::Failed => Self::Failed,
        }
    }
}

impl From<Status> for types::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Processing => Self::Processing,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
        }
    }
}

impl From<types::Stage> for Stage {
    fn from(stage: types::Stage) -> Self {
        match stage {
            types::Stage::Downloading => Self::Downloading,
            types::Stage::Refining => Self::Refining,
            types::Stage::StoringImage => Self::StoringImage,
            types::Stage::StoringConcept => Self::StoringConcept,
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

impl From<types::Refinement> for Refinement {
    fn from(refinement: types::Refinement) -> Self {
        Self {
            original_image_url: refinement.original_image_url,
            refinement_prompt: refinement.refinement_prompt,
            logo_description: refinement.logo_description,
            theme_description: refinement.theme_description,
        }
    }
}

impl From<Refinement> for types::Refinement {
    fn from(refinement: Refinement) -> Self {
        Self {
            original_image_url: refinement.original_image_url,
            refinement_prompt: refinement.refinement_prompt,
            logo_description: refinement.logo_description,
            theme_description: refinement.theme_description,
        }
    }
}

impl From<types::Task> for Task {
    fn from(task: types::Task) -> Self {
        Self {
            id: task.id,
            user_id: task.user_id,
            is_anonymous: task.is_anonymous,
            status: task.status.into(),
            refinement: task.refinement.into(),
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

impl From<NewTask> for task_store::NewTask {
    fn from(task: NewTask) -> Self {
        Self {
            id: task.id,
            user_id: task.user_id,
            is_anonymous: task.is_anonymous,
            refinement: task.refinement.into(),
            original_path: task.original_path,
            original_found: task.original_found,
            idempotency_key: task.idempotency_key,
            quota: task.quota.map(|Quota { limit, window }| task_store::Quota {
                limit,
                window: match window {
                    Window::Hour => task_store::Window::Hour,
                    Window::Day => task_store::Window::Day,
                    Window::Month => task_store::Window::Month,
                },
            }),
        }
    }
}

impl From<task_store::QuotaState> for QuotaState {
    fn from(state: task_store::QuotaState) -> Self {
        Self {
            limit: state.limit,
            remaining: state.remaining,
            reset: Timestamp(state.reset),
        }
    }
}

impl From<task_store::Accepted> for Accepted {
    fn from(accepted: task_store::Accepted) -> Self {
        Self {
            task: accepted.task.into(),
            quota: accepted.quota.map(Into::into),
        }
    }
}

impl From<task_store::Submission> for Submission {
    fn from(submission: task_store::Submission) -> Self {
        use task_store::Submission as Wit;
        match submission {
            Wit::KeyReused => Self::KeyReused,
            Wit::Replayed(accepted) => Self::Replayed(accepted.into()),
            Wit::OriginalMissing => Self::OriginalMissing,
            Wit::Active(accepted) => Self::Active(accepted.into()),
            Wit::QuotaExceeded(state) => Self::QuotaExceeded(state.into()),
            Wit::BacklogFull(seconds) => Self::BacklogFull(seconds),
            Wit::Created(accepted) => Self::Created(accepted.into()),
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

impl From<task_store::Page> for Page<Task> {
    fn from(page: task_store::Page) -> Self {
        Self {
            items: page.tasks.into_iter().map(Into::into).collect(),
            next: page.next.map(Into::into),
        }
    }
}

impl From<task_store::Deleted> for Deleted {
    fn from(deleted: task_store::Deleted) -> Self {
        Self {
            unpublished_image: deleted.unpublished_image,
        }
    }
}

impl From<task_store::Change> for Change {
    fn from(change: task_store::Change) -> Self {
        match change {
            task_store::Change::Task(task) => Self::Task(Box::new(task.into())),
            task_store::Change::Progress(stage) => Self::Progress(stage.into()),
            task_store::Change::Deleted => Self::Deleted,
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

impl From<concept_store::Concept> for Concept {
    fn from(concept: concept_store::Concept) -> Self {
        let content = concept.content;
        Self {
            id: concept.id,
            created_at: Timestamp(concept.created_at),
            content: NewConcept {
                task_id: content.task_id,
                user_id: content.user_id,
                is_anonymous: content.is_anonymous,
                image_path: content.image_path,
                image_url: content.image_url,
                original_image_url: content.original_image_url,
                refinement_prompt: content.refinement_prompt,
                logo_description: content.logo_description,
                theme_description: content.theme_description,
                color_palettes: content.color_palettes,
            },
        }
    }
}

impl From<concept_store::Page> for Page<Concept> {
    fn from(page: concept_store::Page) -> Self {
        Self {
            items: page.concepts.into_iter().map(Into::into).collect(),
            next: page.next.map(Into::into),
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

impl From<image_store::Resolved> for Resolved {
    fn from(resolved: image_store::Resolved) -> Self {
        Self {
            path: resolved.path,
            access: match resolved.access {
                image_store::Access::Unsigned => Access::Unsigned,
                image_store::Access::Signed => Access::Signed,
                image_store::Access::Refused => Access::Refused,
            },
        }
    }
}
