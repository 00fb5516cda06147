//! Arguments and results of the capabilities, in the terms of `wit/`.
//!
//! Shared by components and the host, so that a backend never depends on WIT.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use thiserror::Error;

use crate::budget::Budget;
use crate::concept::Concept;
pub use crate::image_limits::{ImageLength, ImageLimit, ImageLimits};
use crate::payment::Payment;
use crate::provenance::Provenance;
use crate::quota::{Quota, QuotaState};
use crate::spending::Reservation;
use crate::task::{Parent, Refinement, Stage, Task};
use crate::timestamp::Timestamp;
use crate::trace::TraceContext;
use crate::webhook::Webhook;

/// The error of a capability. The message may be shown to a caller; details
/// belong in a log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct CapabilityError {
    /// Whether trying again can help.
    pub kind: ErrorKind,
    /// A sentence that may be shown to a caller.
    pub message: String,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Unreachable or overloaded: yes.
    Unavailable,
    /// Out of space: yes, once there is space.
    Full,
    /// Impossible request: no.
    Invalid,
}

/// A task that is to be created for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTask {
    /// A UUID in lower case.
    pub id: String,
    /// The user who owns it.
    pub user_id: String,
    /// Whether the user is anonymous: then its data is kept for a shorter time.
    pub is_anonymous: bool,
    /// What was requested.
    pub refinement: Refinement,
    /// None: no webhook was requested.
    pub webhook: Option<Webhook>,
    /// The path, if the original is an image of this service.
    pub original_path: Option<String>,
    /// The path, if the mask is an image of this service.
    pub mask_path: Option<String>,
    /// The concept that the original is the image of.
    pub parent: Option<Parent>,
    /// False if the original or the mask is an image of this service's own that does not
    /// exist or is another user's.
    pub images_found: bool,
    /// Identifies repeats of the request. None: repeats are not recognised.
    pub idempotency_key: Option<String>,
    /// None: the key was chosen by the client, and under it the same request is replayed.
    /// Otherwise the key is a hash of the request, so nothing else is compared: a task that
    /// was created under it within so many seconds is replayed, an older one's key passes to
    /// the new task.
    pub replayed_within: Option<u32>,
    /// None: unlimited.
    pub quota: Option<Quota>,
    /// How many tasks of the user may be pending or processing at a time, this one included.
    pub active_tasks: u32,
    /// What its user may spend. None: unlimited.
    pub budget: Option<Budget>,
    /// What is set aside for it. None: its price is unknown.
    pub reservation: Option<Reservation>,
    /// The request's trace context. None: it is not traced, or the platform does not
    /// provide it.
    pub trace: Option<TraceContext>,
}

/// A task as returned by a submission, with the rest of its user's quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The task.
    pub task: Task,
    /// None: unlimited.
    pub quota: Option<QuotaState>,
}

/// Why a budget does not suffice, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overspent {
    /// When the budget's window ends.
    pub reset: Timestamp,
    /// The rest of the quota, of which nothing was counted. None: unlimited.
    pub quota: Option<QuotaState>,
}

/// The outcome of a submission, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The idempotency key belongs to another request.
    KeyReused,
    /// A repeat of an earlier request: the task as it was when it was created.
    Replayed(Accepted),
    /// There is no such original, or no such mask, of this user's.
    ImageMissing,
    /// The user already has this task that has not ended.
    Active(Accepted),
    /// The user has used up the quota.
    QuotaExceeded(QuotaState),
    /// The user's budget does not suffice.
    BudgetExceeded(Overspent),
    /// Too many tasks are pending: try again after this many seconds.
    BacklogFull(u32),
    /// The task is stored.
    Created(Accepted),
}

/// A claim on a task. `attempt` is the fencing token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The claimed task.
    pub task_id: String,
    /// Larger than in every earlier claim.
    pub attempt: u32,
    /// When it expires, unless it is renewed.
    pub until: Timestamp,
    /// When to renew it, in milliseconds.
    pub renew_after: u32,
}

/// A task that was claimed by a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The claim.
    pub lease: Lease,
    /// The task, which is processing.
    pub task: Task,
    /// Payment state of earlier attempts.
    pub payment: Payment,
    /// Whether the lease of the previous attempt ran out: its worker died or hung.
    pub is_takeover: bool,
    /// The trace context of its request.
    pub trace: Option<TraceContext>,
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
    /// It has now failed.
    Cancelled(Task),
    /// It had already ended.
    Ended(Task),
}

/// The remaining work after a step of erasing a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// The images of erased concepts, which are to be deleted.
    pub image_paths: Vec<String>,
    /// Whether there may be more to erase.
    pub has_more: bool,
}

/// The outcome of finishing a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Finished {
    /// The task is completed.
    Done,
    /// The lease is lost, and the new holder may need the image.
    Lost,
    /// The task ended without this image, or was deleted: the image is not needed.
    Over,
}

/// A position in a list that is ordered newest first: the last item seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The source of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// A user uploaded it.
    Upload,
    /// A model produced it.
    Refined,
}

/// An image that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImage {
    /// The source of the image.
    pub kind: ImageKind,
    /// 1 to 80 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The id of the owner.
    pub owner: String,
    /// One of the supported formats, as `image/png`.
    pub media_type: String,
    /// How many bytes will come.
    pub length: ImageLength,
    /// Names and values that are stored with it.
    pub metadata: Vec<(String, String)>,
    /// The owner's limits for this kind. None: no limits.
    pub limits: Option<ImageLimits>,
}

/// Where an image was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its path within this service.
    pub path: String,
    /// A URL for it, which is signed if images are.
    pub url: String,
    /// The SHA-256 of its bytes, in lower-case hexadecimal. None: version 0.1 stored it.
    pub sha256: Option<String>,
}

/// The failure of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailure {
    /// The stage that failed, none if it failed before the first. It is for metrics and is
    /// not stored.
    pub stage: Option<Stage>,
    /// Whether the request cannot be fulfilled, however often it is repeated.
    pub is_refusal: bool,
    /// A whole sentence for the user.
    pub error_message: String,
}

impl TaskFailure {
    /// One before the first stage that is no refusal.
    pub fn new(error_message: impl Into<String>) -> Self {
        Self {
            stage: None,
            is_refusal: false,
            error_message: error_message.into(),
        }
    }
}

/// The result that a task is completed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefinedImage {
    /// Where the image is stored.
    pub stored: Stored,
    /// The model's notes on its work, bounded.
    pub notes: Vec<String>,
    /// Where the image says that it comes from.
    pub provenance: Option<Provenance>,
}

/// An image without notes.
impl From<Stored> for RefinedImage {
    fn from(stored: Stored) -> Self {
        Self {
            stored,
            notes: Vec::new(),
            provenance: None,
        }
    }
}

/// The outcome of storing an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredOrNot {
    /// It is stored completely.
    Stored(Stored),
    /// Its owner has reached a limit.
    LimitReached(ImageLimit),
    /// The contents were shorter or longer than declared: nothing was stored.
    WrongLength,
}

/// The metadata of a stored image, known without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Its path within this service.
    pub path: String,
    /// The source of the image.
    pub kind: ImageKind,
    /// The id of the owner.
    pub owner: String,
    /// Its format, as `image/png`.
    pub media_type: String,
    /// Length of the whole image, in bytes.
    pub size: u64,
    /// A strong validator, including its quotation marks.
    pub etag: String,
    /// The SHA-256 of its bytes, in lower-case hexadecimal. None: version 0.1 stored it, and
    /// nobody knows.
    pub sha256: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Of a refined image: whether its original had content credentials.
    pub original_had_credentials: bool,
}

/// A range of `length` bytes, starting at `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// In bytes from the beginning.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// The access that the URL of an image gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is not signed: the request needs credentials.
    Unsigned,
    /// Its signature is valid and has not expired.
    Signed,
    /// Its signature is invalid or has expired.
    Refused,
}

/// The URL of one of this service's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The path of the image.
    pub path: String,
    /// The access that the URL gives.
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
    /// For something that cannot be reached, or is overloaded.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// For something that is out of space.
    pub fn full(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Full, message)
    }

    /// For an invalid request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Whether trying again can succeed.
    pub fn is_repeatable(&self) -> bool {
        match self.kind {
            ErrorKind::Unavailable | ErrorKind::Full => true,
            ErrorKind::Invalid => false,
        }
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }
}

impl NewTask {
    /// The only active task of a user who is not anonymous, with nothing that is optional.
    pub fn new(id: impl Into<String>, user_id: impl Into<String>, refinement: Refinement) -> Self {
        Self {
            id: id.into(),
            user_id: user_id.into(),
            refinement,
            images_found: true,
            active_tasks: 1,
            ..Self::default()
        }
    }

    /// The task at the time of its creation.
    pub fn created(self, now: Timestamp) -> Task {
        Task {
            id: self.id,
            user_id: self.user_id,
            is_anonymous: self.is_anonymous,
            refinement: self.refinement,
            original_path: self.original_path,
            mask_path: self.mask_path,
            parent: self.parent,
            created_at: now,
            ..Task::default()
        }
    }
}

impl<T> Page<T> {
    /// Makes a page from at most `limit + 1` items; the extra one shows that there is a
    /// next page.
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
