//! Between the types of `wit/` and those of the domain: each conversion once,
//! by exhaustive match, so that a new case on either side does not compile
//! until it has a meaning on the other.

use concept_refinement_domain::capability::{
    Accepted, Access, ByteRange, CapabilityError, CapabilityState, ConceptPage, Deleted, ErrorKind,
    Fenced, ImageInfo, ImageKind, NewImage, NewTask, Position, Resolved, Stored, StoredOrNot,
    Submission, TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::task::{Change, Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use crate::bindings::concept::refinement::{concept_store, health, image_store, task_store, types};

impl From<types::Error> for CapabilityError {
    fn from(error: types::Error) -> Self {
        let types::Error { kind, message } = error;
        let kind = match kind {
            types::ErrorKind::Unavailable => ErrorKind::Unavailable,
            types::ErrorKind::Full => ErrorKind::Full,
            types::ErrorKind::Invalid => ErrorKind::Invalid,
        };
        Self { kind, message }
    }
}

impl From<types::Refinement> for Refinement {
    fn from(refinement: types::Refinement) -> Self {
        let types::Refinement {
            original_image_url,
            refinement_prompt,
            logo_description,
            theme_description,
        } = refinement;
        Self {
            original_image_url,
            refinement_prompt,
            logo_description,
            theme_description,
        }
    }
}

impl From<Refinement> for types::Refinement {
    fn from(refinement: Refinement) -> Self {
        let Refinement {
            original_image_url,
            refinement_prompt,
            logo_description,
            theme_description,
        } = refinement;
        Self {
            original_image_url,
            refinement_prompt,
            logo_description,
            theme_description,
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

impl From<types::Task> for Task {
    fn from(task: types::Task) -> Self {
        let types::Task {
            id,
            user_id,
            is_anonymous,
            status,
            refinement,
            original_path,
            created_at,
            updated_at,
            completed_at,
            result_id,
            image_path,
            error_message,
            lease_until,
        } = task;
        Self {
            id,
            user_id,
            is_anonymous,
            status: status.into(),
            refinement: refinement.into(),
            original_path,
            created_at: Timestamp(created_at),
            updated_at: updated_at.map(Timestamp),
            completed_at: completed_at.map(Timestamp),
            result_id,
            image_path,
            error_message,
            lease_until: lease_until.map(Timestamp),
        }
    }
}

impl From<types::Position> for Position {
    fn from(position: types::Position) -> Self {
        let types::Position { created_at, id } = position;
        Self {
            created_at: Timestamp(created_at),
            id,
        }
    }
}

impl From<Position> for types::Position {
    fn from(position: Position) -> Self {
        let Position { created_at, id } = position;
        Self {
            created_at: created_at.0,
            id,
        }
    }
}

impl From<Quota> for task_store::Quota {
    fn from(quota: Quota) -> Self {
        let Quota { limit, window } = quota;
        let window = match window {
            Window::Hour => task_store::Window::Hour,
            Window::Day => task_store::Window::Day,
            Window::Month => task_store::Window::Month,
        };
        Self { limit, window }
    }
}

impl From<task_store::QuotaState> for QuotaState {
    fn from(state: task_store::QuotaState) -> Self {
        let task_store::QuotaState {
            limit,
            remaining,
            reset,
        } = state;
        Self {
            limit,
            remaining,
            reset: Timestamp(reset),
        }
    }
}

impl From<NewTask> for task_store::NewTask {
    fn from(task: NewTask) -> Self {
        let NewTask {
            id,
            user_id,
            is_anonymous,
            refinement,
            original_path,
            original_found,
            idempotency_key,
            quota,
        } = task;
        Self {
            id,
            user_id,
            is_anonymous,
            refinement: refinement.into(),
            original_path,
            original_found,
            idempotency_key,
            quota: quota.map(Into::into),
        }
    }
}

impl From<task_store::Accepted> for Accepted {
    fn from(accepted: task_store::Accepted) -> Self {
        let task_store::Accepted { task, quota } = accepted;
        Self {
            task: task.into(),
            quota: quota.map(Into::into),
        }
    }
}

impl From<task_store::Submission> for Submission {
    fn from(submission: task_store::Submission) -> Self {
        match submission {
            task_store::Submission::KeyReused => Self::KeyReused,
            task_store::Submission::Replayed(accepted) => Self::Replayed(accepted.into()),
            task_store::Submission::OriginalMissing => Self::OriginalMissing,
            task_store::Submission::Active(accepted) => Self::Active(accepted.into()),
            task_store::Submission::QuotaExceeded(quota) => Self::QuotaExceeded(quota.into()),
            task_store::Submission::BacklogFull(seconds) => Self::BacklogFull(seconds),
            task_store::Submission::Created(accepted) => Self::Created(accepted.into()),
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

impl From<task_store::Page> for TaskPage {
    fn from(page: task_store::Page) -> Self {
        let task_store::Page { tasks, next } = page;
        Self {
            items: tasks.into_iter().map(Into::into).collect(),
            next: next.map(Into::into),
        }
    }
}

impl From<task_store::Deleted> for Deleted {
    fn from(deleted: task_store::Deleted) -> Self {
        let task_store::Deleted { unpublished_image } = deleted;
        Self { unpublished_image }
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

impl From<task_store::Change> for Change {
    fn from(change: task_store::Change) -> Self {
        match change {
            task_store::Change::Task(task) => Self::Task(Box::new(task.into())),
            task_store::Change::Progress(stage) => Self::Progress(stage.into()),
            task_store::Change::Deleted => Self::Deleted,
        }
    }
}

impl From<ImageKind> for image_store::Kind {
    fn from(kind: ImageKind) -> Self {
        match kind {
            ImageKind::Upload => Self::Upload,
            ImageKind::Refined => Self::Refined,
        }
    }
}

impl From<image_store::Kind> for ImageKind {
    fn from(kind: image_store::Kind) -> Self {
        match kind {
            image_store::Kind::Upload => Self::Upload,
            image_store::Kind::Refined => Self::Refined,
        }
    }
}

impl From<NewImage> for image_store::NewImage {
    fn from(image: NewImage) -> Self {
        let NewImage {
            kind,
            name,
            owner,
            media_type,
            length,
            metadata,
            at_most,
        } = image;
        Self {
            kind: kind.into(),
            name,
            owner,
            media_type,
            length,
            metadata,
            at_most,
        }
    }
}

impl From<image_store::StoredOrNot> for StoredOrNot {
    fn from(outcome: image_store::StoredOrNot) -> Self {
        match outcome {
            image_store::StoredOrNot::Stored(image_store::Stored { path, url }) => {
                Self::Stored(Stored { path, url })
            }
            image_store::StoredOrNot::TooMany => Self::TooMany,
            image_store::StoredOrNot::WrongLength => Self::WrongLength,
        }
    }
}

impl From<image_store::Info> for ImageInfo {
    fn from(info: image_store::Info) -> Self {
        let image_store::Info {
            path,
            kind,
            owner,
            media_type,
            size,
            etag,
            created_at,
        } = info;
        Self {
            path,
            kind: kind.into(),
            owner,
            media_type,
            size,
            etag,
            created_at: Timestamp(created_at),
        }
    }
}

impl From<ByteRange> for image_store::Range {
    fn from(range: ByteRange) -> Self {
        let ByteRange { offset, length } = range;
        Self { offset, length }
    }
}

impl From<image_store::Resolved> for Resolved {
    fn from(resolved: image_store::Resolved) -> Self {
        let image_store::Resolved { path, access } = resolved;
        let access = match access {
            image_store::Access::Unsigned => Access::Unsigned,
            image_store::Access::Signed => Access::Signed,
            image_store::Access::Refused => Access::Refused,
        };
        Self { path, access }
    }
}

impl From<concept_store::Concept> for Concept {
    fn from(concept: concept_store::Concept) -> Self {
        let concept_store::Concept {
            id,
            created_at,
            content,
        } = concept;
        let concept_store::NewConcept {
            task_id,
            user_id,
            is_anonymous,
            image_path,
            image_url,
            original_image_url,
            refinement_prompt,
            logo_description,
            theme_description,
            color_palettes,
        } = content;
        Self {
            id,
            created_at: Timestamp(created_at),
            content: NewConcept {
                task_id,
                user_id,
                is_anonymous,
                image_path,
                image_url,
                original_image_url,
                refinement_prompt,
                logo_description,
                theme_description,
                color_palettes,
            },
        }
    }
}

impl From<concept_store::Page> for ConceptPage {
    fn from(page: concept_store::Page) -> Self {
        let concept_store::Page { concepts, next } = page;
        Self {
            items: concepts.into_iter().map(Into::into).collect(),
            next: next.map(Into::into),
        }
    }
}

impl From<health::Capability> for CapabilityState {
    fn from(capability: health::Capability) -> Self {
        let health::Capability { name, problem } = capability;
        Self { name, problem }
    }
}
