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
    /// Whether a repeat can help.
    pub kind: ErrorKind,
    /// A sentence that may be shown to a caller.
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

/// A task that is to be created, as a request asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// A UUID in lower case.
    pub id: String,
    /// Whose task it is.
    pub user_id: String,
    /// Whether the user has no account: what it leaves behind is kept for less long.
    pub is_anonymous: bool,
    /// What is asked for.
    pub refinement: Refinement,
    /// None: nobody asked to be told.
    pub webhook: Option<Webhook>,
    /// The path, if the original is an image of this service.
    pub original_path: Option<String>,
    /// False if the original is an image of this service's own that does not
    /// exist or is another user's.
    pub original_found: bool,
    /// By which a repeat of the request is recognised. None: it is not.
    pub idempotency_key: Option<String>,
    /// None: unlimited.
    pub quota: Option<Quota>,
}

/// A task as a submission answers it, with what is left of its user's quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The task.
    pub task: Task,
    /// None: unlimited.
    pub quota: Option<QuotaState>,
}

/// The outcome of a submission, in the order in which it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The idempotency key belongs to another request.
    KeyReused,
    /// A repeat of an earlier request: the task as it was when it was created.
    Replayed(Accepted),
    /// There is no such image of this user's.
    OriginalMissing,
    /// The user has a task that has not ended: this one.
    Active(Accepted),
    /// The user has used up the quota.
    QuotaExceeded(QuotaState),
    /// Try again after so many seconds.
    BacklogFull(u32),
    /// The task is stored.
    Created(Accepted),
}

/// A claim on a task. `attempt` is the fencing token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The task that is claimed.
    pub task_id: String,
    /// Larger than that of every claim before it.
    pub attempt: u32,
    /// When it expires, unless it is renewed.
    pub until: Timestamp,
    /// In milliseconds.
    pub renew_after: u32,
}

/// A task that a worker may work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The claim.
    pub lease: Lease,
    /// The task, which is processing.
    pub task: Task,
    /// Of earlier attempts.
    pub payment: Payment,
}

/// The outcome of a write under a lease. Losing the lease is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fenced {
    /// It was written.
    Done,
    /// Another worker has the task, or it has ended: nothing was written.
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
    /// The task is completed.
    Done,
    /// The lease is lost, and whoever goes on may need the image.
    Lost,
    /// The task ended without this image, or was deleted: nobody needs it.
    Over,
}

/// A place in a list that is ordered newest first: the last item seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// When that item was created.
    pub created_at: Timestamp,
    /// Its id, for items of the same moment.
    pub id: String,
}

/// Part of a list that is ordered newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The newest first.
    pub items: Vec<T>,
    /// Where the next page begins. None: this is the last one.
    pub next: Option<Position>,
}

/// Part of the list of a user's tasks.
pub type TaskPage = Page<Task>;
/// Part of the list of a user's concepts.
pub type ConceptPage = Page<Concept>;

/// Where an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// A user sent it.
    Upload,
    /// A model made it.
    Refined,
}

/// An image that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImage {
    /// Where it comes from.
    pub kind: ImageKind,
    /// 1 to 80 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The id of the user whose it is.
    pub owner: String,
    /// One of the supported formats, as `image/png`.
    pub media_type: String,
    /// How many bytes are to come.
    pub length: ImageLength,
    /// Names and values that are stored with it.
    pub metadata: Vec<(String, String)>,
    /// What this owner may have of this kind. None: no limit.
    pub limits: Option<ImageLimits>,
}

/// Where an image was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its path within this service.
    pub path: String,
    /// A URL for it, which is signed if images are.
    pub url: String,
}

/// What a task is completed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefinedImage {
    /// Where it is.
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

/// The outcome of storing an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredOrNot {
    /// It is stored whole.
    Stored(Stored),
    /// Its owner may not have another one.
    LimitReached(ImageLimit),
    /// The contents ended before or after the declared length: nothing was stored.
    WrongLength,
}

/// What is known of a stored image without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Its path within this service.
    pub path: String,
    /// Where it comes from.
    pub kind: ImageKind,
    /// The id of the user whose it is.
    pub owner: String,
    /// Its format, as `image/png`.
    pub media_type: String,
    /// In bytes, of the whole image.
    pub size: u64,
    /// A strong validator with its quotation marks.
    pub etag: String,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// `length` bytes from `offset` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// In bytes from the beginning.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// What the URL of an image proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It has no signature: its user has to prove who asks.
    Unsigned,
    /// Its signature is right, and has not expired.
    Signed,
    /// Its signature is wrong or has expired.
    Refused,
}

/// A URL of an image of this service's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The path of the image.
    pub path: String,
    /// What the URL proves.
    pub access: Access,
}

/// One line of the readiness report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityState {
    /// The capability: `tasks`, `queue` and so on.
    pub name: String,
    /// Why it does not work; None while it does.
    pub problem: Option<String>,
}

impl CapabilityError {
    /// For what cannot be reached, or is overloaded.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            message: message.into(),
        }
    }

    /// For what is out of space.
    pub fn full(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Full,
            message: message.into(),
        }
    }

    /// For what cannot be asked.
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
