//! What a store holds, for moving it to another engine.
//!
//! A move reads a store that no process uses, and writes to another. Writing again what
//! is already there changes nothing, so a move that was interrupted can be repeated.

use std::io;

use concept_refinement_domain::capability::{ImageInfo, NewImage, StoredOrNot};
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::Value;

use super::Answer;
use super::images::Contents;

/// A table of a task store. Every engine has its columns, perhaps as other types.
pub struct Table {
    /// By which every engine knows it.
    pub name: &'static str,
    /// What its records are to people.
    pub known_as: &'static str,
    /// The first columns.
    pub key: &'static str,
    /// In the order in which a record has them, separated by `, `.
    pub columns: &'static str,
    /// Which rows are moved.
    pub condition: &'static str,
}

/// A row: null, whole numbers and texts, in the order of the table's columns. Times are
/// numbers of microseconds, identifiers and hashes are texts, and so are lists, in JSON.
pub type Record = Vec<Value>;

/// What a task store holds, but for [`UPLOAD_RESERVATIONS`].
pub static TABLES: [&Table; 7] = [
    &TASKS,
    &CONCEPTS,
    &ACCOUNTS,
    &IDEMPOTENCY_KEYS,
    &FORGOTTEN_TASKS,
    &SESSIONS,
    &LAST_ROUND,
];

/// Including the state of each task's webhook.
pub static TASKS: Table = Table {
    name: "task",
    known_as: "tasks",
    key: "id",
    columns: "id, user_id, is_anonymous, status, original_image_url, refinement_prompt, \
         logo_description, theme_description, original_path, created_at, updated_at, \
         completed_at, result_id, image_path, error_message, lease_until, lease, attempt, \
         deaths, revision, payment, due_at, delivery, receiver, delivery_due_at",
    condition: "TRUE",
};

/// Of tasks that were completed.
pub static CONCEPTS: Table = Table {
    name: "concept",
    known_as: "concepts",
    key: "id",
    columns: "id, task_id, user_id, is_anonymous, image_path, image_url, \
         original_image_url, refinement_prompt, logo_description, theme_description, \
         color_palettes, notes, created_at",
    condition: "TRUE",
};

/// How many tasks each user created.
static ACCOUNTS: Table = Table {
    name: "account",
    known_as: "counts of tasks",
    key: "user_id",
    columns: "user_id, usage, ends_at",
    condition: "TRUE",
};

static IDEMPOTENCY_KEYS: Table = Table {
    name: "idempotency_key",
    known_as: "idempotency keys",
    key: "user_id, key",
    columns: "user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at",
    condition: "TRUE",
};

/// Tasks that were deleted.
static FORGOTTEN_TASKS: Table = Table {
    name: "forgotten_task",
    known_as: "forgotten tasks",
    key: "id",
    columns: "id, forgotten_at",
    condition: "TRUE",
};

/// Until when anonymous users have sessions.
static SESSIONS: Table = Table {
    name: "session",
    known_as: "sessions",
    key: "user_id",
    columns: "user_id, until",
    condition: "TRUE",
};

/// The last round of deletion by age.
static LAST_ROUND: Table = Table {
    name: "last_round",
    known_as: "rounds of retention",
    key: "id",
    columns: "id, at, probation",
    condition: "TRUE",
};

/// Of images that are stored where nothing counts them. A move of images adds some.
pub static UPLOAD_RESERVATIONS: Table = Table {
    name: "upload_reservation",
    known_as: "reservations of images",
    key: "owner, kind, name",
    columns: "owner, kind, name, bytes, anonymous_owner",
    condition: "until IS NULL",
};

/// Where a move to this store has begun from that has not ended.
pub static UNFINISHED_MOVE: Table = Table {
    name: "unfinished_move",
    known_as: "unfinished moves",
    key: "id",
    columns: "id, source",
    condition: "TRUE",
};

impl Table {
    /// Reads rows in the order of the key: the first ones, or those after the key that
    /// comes as parameters.
    pub fn select(&self, rows: &str, is_first: bool, limit: u32) -> String {
        let Self {
            key,
            columns,
            condition,
            ..
        } = self;
        let after = match is_first {
            true => "TRUE".to_owned(),
            false => format!("({key}) > ({})", parameters(key)),
        };
        format!(
            "SELECT {columns} FROM {rows} WHERE {condition} AND {after} ORDER BY {key} LIMIT {limit}"
        )
    }

    /// The key of one of its records.
    pub fn key_of(&self, record: Record) -> Record {
        let length = self.key.split(", ").count();
        record.into_iter().take(length).collect()
    }
}

/// One for each column, as Postgres and SQLite both write them.
pub fn parameters(columns: &str) -> String {
    let numbers = 1..=columns.split(", ").count();
    let parameters: Vec<_> = numbers.map(|number| format!("${number}")).collect();
    parameters.join(", ")
}

/// All records of a task store.
pub trait Records: Send + Sync {
    /// Records of a table, at most so many, after one of them, in an order of the
    /// store's own. None are left where none come.
    fn records(
        &self,
        table: &'static Table,
        after: Option<Record>,
        limit: u32,
    ) -> Answer<'_, Vec<Record>>;

    /// Stores records durably, in one step. One that is there already stays as it
    /// is.
    fn restore(&self, table: &'static Table, records: Vec<Record>) -> Answer<'_, ()>;

    /// Removes all records of a table, durably.
    fn clear(&self, table: &'static Table) -> Answer<'_, ()>;
}

/// Where a move has begun from, as [`UNFINISHED_MOVE`] has it.
pub fn source_of(records: &[Record]) -> Option<String> {
    let source = records.first()?.last()?;
    source.as_str().map(str::to_owned)
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
    /// Its bytes.
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
