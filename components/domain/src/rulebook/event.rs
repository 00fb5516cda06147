//! The events of a task, and the states that follow.

use crate::step::StepKind;
use crate::task::Status;

/// An event in the life of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker claims it.
    Claim,
    /// Its worker extends the lease.
    Renew,
    /// Its model begins a paid call, or stores a receipt.
    Pay,
    /// Its worker releases it.
    Release,
    /// Its worker completes it with a concept.
    Complete,
    /// Its worker, or the sweep, fails it.
    Fail,
    /// Its deadline passes before a worker has begun it.
    MissDeadline,
    /// It is withdrawn, since it could not be published.
    Withdraw,
    /// Its user cancels it.
    Cancel,
    /// An operator cancels it.
    OperatorCancel,
}

/// The state that follows, or None if the event is not possible: it came too late, or
/// twice. A processing task can be claimed only if its lease has expired.
pub fn next_status(status: Status, event: Event) -> Option<Status> {
    match (status, event) {
        (Status::Pending | Status::Processing, Event::Claim)
        | (Status::Processing, Event::Renew | Event::Pay) => Some(Status::Processing),
        (Status::Processing, Event::Release) => Some(Status::Pending),
        (Status::Processing, Event::Complete) => Some(Status::Completed),
        (Status::Processing, Event::Fail)
        | (Status::Pending, Event::MissDeadline | Event::Withdraw)
        | (Status::Pending | Status::Processing, Event::Cancel | Event::OperatorCancel) => {
            Some(Status::Failed)
        }
        (
            Status::Pending,
            Event::Renew | Event::Pay | Event::Release | Event::Complete | Event::Fail,
        )
        | (Status::Processing, Event::MissDeadline | Event::Withdraw)
        | (Status::Completed | Status::Failed, _) => None,
    }
}

impl Event {
    /// The corresponding step of the task's story. None: there is none, or (for a
    /// claim) its rule adds more details.
    pub(super) fn step(self) -> Option<StepKind> {
        match self {
            Self::Claim | Self::Renew | Self::Pay => None,
            Self::Release => Some(StepKind::Released),
            Self::Complete => Some(StepKind::Completed),
            Self::Fail | Self::MissDeadline | Self::Withdraw => Some(StepKind::Failed),
            Self::Cancel | Self::OperatorCancel => Some(StepKind::Cancelled),
        }
    }
}
