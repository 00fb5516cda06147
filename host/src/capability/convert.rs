//! Conversions between WIT and domain values that several links share.

use concept_refinement_domain::capability::{CapabilityError, ErrorKind, Fenced, Lease, Position};
use concept_refinement_domain::task::{Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use crate::wasm::bindings::capabilities::concept::refinement::types as wit;

impl From<CapabilityError> for wit::Error {
    fn from(error: CapabilityError) -> Self {
        Self {
            kind: match error.kind {
                ErrorKind::Unavailable => wit::ErrorKind::Unavailable,
                ErrorKind::Full => wit::ErrorKind::Full,
                ErrorKind::Invalid => wit::ErrorKind::Invalid,
            },
            message: error.message,
        }
    }
}

impl From<Fenced> for wit::Fenced {
    fn from(fenced: Fenced) -> Self {
        match fenced {
            Fenced::Done => Self::Done,
            Fenced::Lost => Self::Lost,
        }
    }
}

impl From<wit::Lease> for Lease {
    fn from(lease: wit::Lease) -> Self {
        Self {
            task_id: lease.task_id,
            attempt: lease.attempt,
            until: Timestamp(lease.until),
            renew_after: lease.renew_after,
        }
    }
}

impl From<Lease> for wit::Lease {
    fn from(lease: Lease) -> Self {
        Self {
            task_id: lease.task_id,
            attempt: lease.attempt,
            until: lease.until.0,
            renew_after: lease.renew_after,
        }
    }
}

impl From<wit::Stage> for Stage {
    fn from(stage: wit::Stage) -> Self {
        match stage {
            wit::Stage::Downloading => Self::Downloading,
            wit::Stage::Refining => Self::Refining,
            wit::Stage::StoringImage => Self::StoringImage,
            wit::Stage::StoringConcept => Self::StoringConcept,
        }
    }
}

impl From<Stage> for wit::Stage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Downloading => Self::Downloading,
            Stage::Refining => Self::Refining,
            Stage::StoringImage => Self::StoringImage,
            Stage::StoringConcept => Self::StoringConcept,
        }
    }
}

impl From<wit::Status> for Status {
    fn from(status: wit::Status) -> Self {
        match status {
            wit::Status::Pending => Self::Pending,
            wit::Status::Processing => Self::Processing,
            wit::Status::Completed => Self::Completed,
            wit::Status::Failed => Self::Failed,
        }
    }
}

impl From<Status> for wit::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Processing => Self::Processing,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
        }
    }
}

impl From<wit::Refinement> for Refinement {
    fn from(refinement: wit::Refinement) -> Self {
        Self {
            original_image_url: refinement.original_image_url,
            refinement_prompt: refinement.refinement_prompt,
            logo_description: refinement.logo_description,
            theme_description: refinement.theme_description,
        }
    }
}

impl From<Task> for wit::Task {
    fn from(task: Task) -> Self {
        Self {
            id: task.id,
            user_id: task.user_id,
            is_anonymous: task.is_anonymous,
            status: task.status.into(),
            refinement: wit::Refinement {
                original_image_url: task.refinement.original_image_url,
                refinement_prompt: task.refinement.refinement_prompt,
                logo_description: task.refinement.logo_description,
                theme_description: task.refinement.theme_description,
            },
            original_path: task.original_path,
            created_at: task.created_at.0,
            updated_at: task.updated_at.map(|at| at.0),
            completed_at: task.completed_at.map(|at| at.0),
            result_id: task.result_id,
            image_path: task.image_path,
            error_message: task.error_message,
            lease_until: task.lease_until.map(|at| at.0),
        }
    }
}

impl From<wit::Position> for Position {
    fn from(position: wit::Position) -> Self {
        Self {
            created_at: Timestamp(position.created_at),
            id: position.id,
        }
    }
}

impl From<Position> for wit::Position {
    fn from(position: Position) -> Self {
        Self {
            created_at: position.created_at.0,
            id: position.id,
        }
    }
}
