//! Arguments and results of the capabilities, in the words of `wit/`.
//!
//! Shared by components and the host, so that a backend never sees WIT.

use std::ops::Range;

use thiserror::Error;

use crate::concept::Concept;
pub use crate::image_limits::{ImageLength, ImageLimit, ImageLimits};
use crate::payment::Payment;
use crate::quota::{Quota, QuotaState};
use crate::task::{Refinement, Status, Task};
use crate::timestamp::Timestamp;
use crate::webhook::Webhook;

/// The error of a capability. The message may be shown to a caller; details
/// belong in a log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct CapabilityError {
    pub kind: ErrorKind,
    pub message: String,
}

/// Whether a repeat can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Unreachable or overloaded: yes.
    Unavailable,
    /// Out of space: yes, once there is space.
    Full,
    /// Impossible request: no.
    Invalid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    pub id: String,
    pub user_id: String,
    pub is_anonymous: bool,
    pub refinement: Refinement,
    /// None: nobody asked to be told.
    pub webhook: Option<Webhook>,
    pub original_path: Option<String>,
    /// False if the original is an image of this service's own that does not
    /// exist or is another user's.
    pub original_found: bool,
    pub idempotency_key: Option<String>,
    /// None: unlimited.
    pub quota: Option<Quota>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub task: Task,
    /// None: unlimited.
    pub quota: Option<QuotaState>,
}

/// The outcome of a submission, in the order in which it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    KeyReused,
    Replayed(Accepted),
    OriginalMissing,
    Active(Accepted),
    QuotaExceeded(QuotaState),
    /// Try again after so many seconds.
    BacklogFull(u32),
    Created(Accepted),
}

/// A claim on a task. `attempt` is the fencing token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub task_id: String,
    pub attempt: u32,
    pub until: Timestamp,
    /// In milliseconds.
    pub renew_after: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub lease: Lease,
    pub task: Task,
    /// Of earlier attempts.
    pub payment: Payment,
}

/// The outcome of a write under a lease. Losing the lease is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fenced {
    Done,
    Lost,
}

/// The outcome of cancelling a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It failed just now.
    Cancelled(Task),
    /// It had ended before.
    Ended(Task),
}

/// The outcome of finishing a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Finished {
    Done,
    /// The lease is lost, and whoever goes on may need the image.
    Lost,
    /// The task ended without this image, or was deleted: nobody needs it.
    Over,
}

/// A place in a list that is ordered newest first: the last item seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub created_at: Timestamp,
    pub id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<Position>,
}

pub type TaskPage = Page<Task>;
pub type ConceptPage = Page<Concept>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageKind {
    Upload,
    Refined,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImage {
    pub kind: ImageKind,
    /// 1 to 80 of `a-z`, `0-9` and `-`.
    pub name: String,
    pub owner: String,
    pub media_type: String,
    pub length: ImageLength,
    pub metadata: Vec<(String, String)>,
    /// What this owner may have of this kind. None: no limit.
    pub limits: Option<ImageLimits>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub path: String,
    pub url: String,
}

/// What a task is completed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefinedImage {
    pub stored: Stored,
    /// What the model said of its work, bounded.
    pub notes: Vec<String>,
}

/// An image of which nothing was said.
impl From<Stored> for RefinedImage {
    fn from(stored: Stored) -> Self {
        Self {
            stored,
            notes: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredOrNot {
    Stored(Stored),
    LimitReached(ImageLimit),
    WrongLength,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    pub path: String,
    pub kind: ImageKind,
    pub owner: String,
    pub media_type: String,
    /// In bytes, of the whole image.
    pub size: u64,
    /// A strong validator with its quotation marks.
    pub etag: String,
    pub created_at: Timestamp,
}

/// `length` bytes from `offset` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    pub offset: u64,
    pub length: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Unsigned,
    Signed,
    Refused,
}

/// A URL of an image of this service's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub path: String,
    pub access: Access,
}

/// One line of the readiness report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityState {
    pub name: String,
    /// Why it does not work; None while it does.
    pub problem: Option<String>,
}

impl CapabilityError {
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            message: message.into(),
        }
    }

    pub fn full(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Full,
            message: message.into(),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Invalid,
            message: message.into(),
        }
    }

    /// Whether a retry can succeed.
    pub fn is_repeatable(&self) -> bool {
        match self.kind {
            ErrorKind::Unavailable | ErrorKind::Full => true,
            ErrorKind::Invalid => false,
        }
    }
}

impl NewTask {
    /// The task as it is when it is created.
    pub fn created(self, now: Timestamp) -> Task {
        Task {
            id: self.id,
            user_id: self.user_id,
            is_anonymous: self.is_anonymous,
            status: Status::Pending,
            refinement: self.refinement,
            original_path: self.original_path,
            created_at: now,
            updated_at: None,
            completed_at: None,
            result_id: None,
            image_path: None,
            error_message: None,
            lease_until: None,
        }
    }
}

impl<T> Page<T> {
    /// Makes a page from up to one item more than the limit, which shows
    /// whether there is a next page.
    pub fn of(mut items: Vec<T>, limit: u32, position: impl Fn(&T) -> Position) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(position);
        Self { items, next }
    }
}

/// The range within an image of this size; without a range, the whole image.
pub fn within(range: Option<ByteRange>, size: u64) -> Result<Range<u64>, CapabilityError> {
    let ByteRange { offset, length } = range.unwrap_or(ByteRange {
        offset: 0,
        length: size,
    });
    offset
        .checked_add(length)
        .filter(|end| *end <= size)
        .map(|end| offset..end)
        .ok_or_else(|| CapabilityError::invalid("The range does not lie within the image."))
}
