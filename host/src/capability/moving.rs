//! What a store holds, record by record, for moving it to another engine.
//!
//! Whoever moves reads a store that no process uses, and writes to another.
//! Writing again what is there already changes nothing, so that a move that broke
//! off is made once more.

use std::io;

use concept_refinement_domain::capability::{ImageInfo, NewImage, StoredOrNot};
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::timestamp::Timestamp;

use super::Answer;
use super::images::Contents;
use super::upload_places::PlacePath;

/// What a task store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    Tasks,
    Concepts,
    /// How many tasks each user created, by window.
    Usage,
    IdempotencyKeys,
    /// Tasks that were deleted.
    ForgottenTasks,
    /// Until when anonymous users have sessions.
    Sessions,
    /// The last round of deletion by age.
    LastRound,
    /// Places of images that are stored.
    UploadPlaces,
}

/// One record, with all that is stored of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Task(Box<TaskRecord>),
    Concept(Box<Concept>),
    Usage {
        user_id: String,
        /// `hour`, `day` or `month`.
        window: String,
        starts_at: Timestamp,
        ends_at: Timestamp,
        used: u32,
    },
    IdempotencyKey {
        user_id: String,
        key: String,
        submitted: Submitted,
    },
    ForgottenTask {
        id: String,
        forgotten_at: Timestamp,
    },
    Session {
        user_id: String,
        until: Timestamp,
    },
    LastRound(LastRound),
    UploadPlace {
        path: PlacePath,
        bytes: u64,
    },
}

/// All records of a task store.
pub trait Records: Send + Sync {
    /// Records of a kind, at most so many, after one of them, in an order of the
    /// store's own. None are left where fewer come.
    fn records(
        &self,
        kind: RecordKind,
        after: Option<Record>,
        limit: u32,
    ) -> Answer<'_, Vec<Record>>;

    /// Stores records durably, in one step. One that is there already stays as it
    /// is.
    fn restore(&self, records: Vec<Record>) -> Answer<'_, ()>;

    /// Where a move to this store has begun from that has not ended.
    fn unfinished_move(&self) -> Answer<'_, Option<String>>;

    /// Remembers, durably, that one has begun from there; or that it has ended.
    fn set_unfinished_move(&self, source: Option<String>) -> Answer<'_, ()>;
}

/// Why a store cannot be used that has a part of what is moved to it, and how to go on,
/// as the end of a sentence.
pub fn half_moved(source: &str) -> String {
    format!(
        "a move to it has begun and not ended: make it once more, by `concept-refinement move \
         --from {source} --to …`"
    )
}

/// An image with all that is stored of it.
pub struct WholeImage {
    /// What was said of it when it was stored.
    pub image: NewImage,
    /// What is said of it now.
    pub info: ImageInfo,
    pub contents: Contents,
}

/// Images that no process uses. Everything here blocks the thread.
pub trait ImagesAtRest: Send + Sync {
    /// The paths of all of them.
    fn paths(&self) -> io::Result<Vec<String>>;

    /// None: it is damaged, and so as good as none.
    fn open(&self, path: &str) -> io::Result<Option<WholeImage>>;
}

/// A store that images are moved to.
pub trait RestoreImages: Send + Sync {
    /// Stores an image as [`ImageStore::put`](super::images::ImageStore::put)
    /// does, as one that was created then.
    fn restore(
        &self,
        image: NewImage,
        created_at: Timestamp,
        contents: Contents,
    ) -> Answer<'_, StoredOrNot>;
}

impl RecordKind {
    pub const ALL: [Self; 8] = [
        Self::Tasks,
        Self::Concepts,
        Self::Usage,
        Self::IdempotencyKeys,
        Self::ForgottenTasks,
        Self::Sessions,
        Self::LastRound,
        Self::UploadPlaces,
    ];

    /// As people know them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Concepts => "concepts",
            Self::Usage => "counts of tasks",
            Self::IdempotencyKeys => "idempotency keys",
            Self::ForgottenTasks => "forgotten tasks",
            Self::Sessions => "sessions",
            Self::LastRound => "rounds of retention",
            Self::UploadPlaces => "places of images",
        }
    }
}
