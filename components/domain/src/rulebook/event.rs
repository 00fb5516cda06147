//! What can happen to a task, which state follows, and what goes with it.

use crate::task::Status;

/// What can happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker claims it.
    Claim,
    /// Its worker holds it for another while.
    Renew,
    /// Its model begins a call that costs, or keeps a receipt.
    Pay,
    /// Its worker releases it.
    Release,
    /// Its worker completes it with a concept.
    Complete,
    /// Its worker, or the sweep, gives it up.
    Fail,
    /// It is withdrawn, because it could not be published.
    Withdraw,
    /// Its user cancels it.
    Cancel,
}

/// The state that follows, or none where the event cannot happen: it came too
/// late, or twice. Claiming a task that is processing is possible only for one
/// whose lease has run out.
pub fn next_status(status: Status, event: Event) -> Option<Status> {
    match (status, event) {
        (Status::Pending | Status::Processing, Event::Claim)
        | (Status::Processing, Event::Renew | Event::Pay) => Some(Status::Processing),
        (Status::Processing, Event::Release) => Some(Status::Pending),
        (Status::Processing, Event::Complete) => Some(Status::Completed),
        (Status::Processing, Event::Fail)
        | (Status::Pending, Event::Withdraw)
        | (Status::Pending | Status::Processing, Event::Cancel) => Some(Status::Failed),
        (
            Status::Pending,
            Event::Renew | Event::Pay | Event::Release | Event::Complete | Event::Fail,
        )
        | (Status::Processing, Event::Withdraw)
        | (Status::Completed | Status::Failed, _) => None,
    }
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Claim,
        Self::Renew,
        Self::Pay,
        Self::Release,
        Self::Complete,
        Self::Fail,
        Self::Withdraw,
        Self::Cancel,
    ];

    /// Whether those who watch the task are told of it.
    pub fn is_announced(self) -> bool {
        !matches!(self, Self::Renew | Self::Pay)
    }

    /// Whether the submission counts as never made, so that its idempotency key is
    /// forgotten.
    pub fn undoes_submission(self) -> bool {
        self == Self::Withdraw
    }

    /// Whether who holds the task has to stop at once.
    pub fn revokes_claim(self) -> bool {
        self == Self::Cancel
    }
}
