//! Between the types of `wit/` and those of the domain: each conversion once,
//! by exhaustive match, so that a new case on either side does not compile
//! until it has a meaning on the other.

use concept_refinement_domain::capability::{
    Accepted, Access, ByteRange, CapabilityError, CapabilityState, Claimed, ConceptPage, Deleted,
    ErrorKind, Fenced, ImageInfo, ImageKind, Lease, NewImage, NewTask, Position, Resolved, Stored,
    StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::task::{Change, Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use super::wit::{concept_store, health, image_store, task_store, types};

impl From<CapabilityError> for types::Error {
    fn from(error: CapabilityError) -> Self {
        let CapabilityError { kind, message } = error;
        let kind = match kind {
            ErrorKind::Unavailable => types::ErrorKind::Unavailable,
            ErrorKind::Full => types::ErrorKind::Full,
            ErrorKind::Invalid => types::ErrorKind::Invalid,
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

impl From<Fenced> for types::Fenced {
    fn from(fenced: Fenced) -> Self {
        match fenced {
            Fenced::Done => Self::Done,
            Fenced::Lost => Self::Lost,
        }
    }
}

impl From<task_store::Window> for Window {
    fn from(window: task_store::Window) -> Self {
        match window {
            task_store::Window::Hour => Self::Hour,
            task_store::Window::Day => Self::Day,
            task_store::Window::Month => Self::Month,
        }
    }
}

impl From<ImageKind> for image_store::Kind {
    fn from(image_kind: ImageKind) -> Self {
        match image_kind {
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

impl From<Access> for image_store::Access {
    fn from(access: Access) -> Self {
        match access {
            Access::Unsigned => Self::Unsigned,
            Access::Signed => Self::Signed,
            Access::Refused => Self::Refused,
        }
    }
}

impl From<task_store::Quota> for Quota {
    fn from(quota: task_store::Quota) -> Self {
        let task_store::Quota { limit, window } = quota;
        Self {
            limit,
            window: window.into(),
        }
    }
}

impl From<QuotaState> for task_store::QuotaState {
    fn from(quota_state: QuotaState) -> Self {
        let QuotaState {
            limit,
            remaining,
            reset,
        } = quota_state;
        Self {
            limit,
            remaining,
            reset: reset.0,
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

impl From<types::Lease> for Lease {
    fn from(lease: types::Lease) -> Self {
        let types::Lease {
            task_id,
            attempt,
            until,
            renew_after,
        } = lease;
        Self {
            task_id,
            attempt,
            until: Timestamp(until),
            renew_after,
        }
    }
}

impl From<Lease> for types::Lease {
    fn from(lease: Lease) -> Self {
        let Lease {
            task_id,
            attempt,
            until,
            renew_after,
        } = lease;
        Self {
            task_id,
            attempt,
            until: until.0,
            renew_after,
        }
    }
}

impl From<Task> for types::Task {
    fn from(task: Task) -> Self {
        let Task {
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
            created_at: created_at.0,
            updated_at: updated_at.map(|at| at.0),
            completed_at: completed_at.map(|at| at.0),
            result_id,
            image_path,
            error_message,
            lease_until: lease_until.map(|at| at.0),
        }
    }
}

impl From<task_store::NewTask> for NewTask {
    fn from(new_task: task_store::NewTask) -> Self {
        let task_store::NewTask {
            id,
            user_id,
            is_anonymous,
            refinement,
            original_path,
            original_found,
            idempotency_key,
            quota,
        } = new_task;
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

impl From<Accepted> for task_store::Accepted {
    fn from(accepted: Accepted) -> Self {
        let Accepted { task, quota } = accepted;
        Self {
            task: task.into(),
            quota: quota.map(Into::into),
        }
    }
}

impl From<Submission> for task_store::Submission {
    fn from(submission: Submission) -> Self {
        match submission {
            Submission::KeyReused => Self::KeyReused,
            Submission::Replayed(accepted) => Self::Replayed(accepted.into()),
            Submission::OriginalMissing => Self::OriginalMissing,
            Submission::Active(accepted) => Self::Active(accepted.into()),
            Submission::QuotaExceeded(quota) => Self::QuotaExceeded(quota.into()),
            Submission::BacklogFull(seconds) => Self::BacklogFull(seconds),
            Submission::Created(accepted) => Self::Created(accepted.into()),
        }
    }
}

impl From<Claimed> for task_store::Claimed {
    fn from(claimed: Claimed) -> Self {
        let Claimed {
            lease,
            task,
            checkpoint,
        } = claimed;
        Self {
            lease: lease.into(),
            task: task.into(),
            checkpoint,
        }
    }
}

impl From<TaskPage> for task_store::Page {
    fn from(task_page: TaskPage) -> Self {
        let TaskPage { items, next } = task_page;
        Self {
            tasks: items.into_iter().map(Into::into).collect(),
            next: next.map(Into::into),
        }
    }
}

impl From<Deleted> for task_store::Deleted {
    fn from(deleted: Deleted) -> Self {
        let Deleted { unpublished_image } = deleted;
        Self { unpublished_image }
    }
}

impl From<Change> for task_store::Change {
    fn from(change: Change) -> Self {
        match change {
            Change::Task(task) => Self::Task((*task).into()),
            Change::Progress(stage) => Self::Progress(stage.into()),
            Change::Deleted => Self::Deleted,
        }
    }
}

impl From<concept_store::NewConcept> for NewConcept {
    fn from(new_concept: concept_store::NewConcept) -> Self {
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
        } = new_concept;
        Self {
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
        }
    }
}

impl From<NewConcept> for concept_store::NewConcept {
    fn from(new_concept: NewConcept) -> Self {
        let NewConcept {
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
        } = new_concept;
        Self {
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
        }
    }
}

impl From<Concept> for concept_store::Concept {
    fn from(concept: Concept) -> Self {
        let Concept {
            id,
            created_at,
            content,
        } = concept;
        Self {
            id,
            created_at: created_at.0,
            content: content.into(),
        }
    }
}

impl From<ConceptPage> for concept_store::Page {
    fn from(concept_page: ConceptPage) -> Self {
        let ConceptPage { items, next } = concept_page;
        Self {
            concepts: items.into_iter().map(Into::into).collect(),
            next: next.map(Into::into),
        }
    }
}

impl From<image_store::NewImage> for NewImage {
    fn from(new_image: image_store::NewImage) -> Self {
        let image_store::NewImage {
            kind,
            name,
            owner,
            media_type,
            length,
            metadata,
            at_most,
        } = new_image;
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

impl From<StoredOrNot> for image_store::StoredOrNot {
    fn from(outcome: StoredOrNot) -> Self {
        match outcome {
            StoredOrNot::Stored(Stored { path, url }) => {
                Self::Stored(image_store::Stored { path, url })
            }
            StoredOrNot::TooMany => Self::TooMany,
            StoredOrNot::WrongLength => Self::WrongLength,
        }
    }
}

impl From<ImageInfo> for image_store::Info {
    fn from(image_info: ImageInfo) -> Self {
        let ImageInfo {
            path,
            kind,
            owner,
            media_type,
            size,
            etag,
            created_at,
        } = image_info;
        Self {
            path,
            kind: kind.into(),
            owner,
            media_type,
            size,
            etag,
            created_at: created_at.0,
        }
    }
}

impl From<image_store::Range> for ByteRange {
    fn from(range: image_store::Range) -> Self {
        let image_store::Range { offset, length } = range;
        Self { offset, length }
    }
}

impl From<Resolved> for image_store::Resolved {
    fn from(resolved: Resolved) -> Self {
        let Resolved { path, access } = resolved;
        Self {
            path,
            access: access.into(),
        }
    }
}

impl From<CapabilityState> for health::Capability {
    fn from(capability_state: CapabilityState) -> Self {
        let CapabilityState { name, problem } = capability_state;
        Self { name, problem }
    }
}
