//! The contents of a store, for moving it to another engine.
//!
//! A move reads a store that no process uses, and writes to another one. Writing what is
//! already there has no effect, so an interrupted move can be repeated.

use std::io;
use std::path::Path;

use concept_refinement_domain::capability::{ImageInfo, NewImage, StoredOrNot};
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::Value;

use super::Answer;
use super::images::Contents;

/// A table of a task store. Every engine has its columns, possibly with other types.
pub struct Table {
    /// The name that every engine uses for it.
    pub name: &'static str,
    /// The name of its records in messages for people.
    pub known_as: &'static str,
    /// The columns of the key: the first ones.
    pub key: &'static str,
    /// All columns in the order of a record's values, separated by `, `.
    pub columns: &'static str,
}

/// A row: nulls, integers and texts, in the order of the table's columns. Times are
/// integers in microseconds; identifiers and hashes are texts; lists are texts in JSON.
pub type Record = Vec<Value>;

/// Tasks, including the state of their webhooks.
pub static TASKS: Table = Table {
    name: "task",
    known_as: "tasks",
    key: "id",
    columns: "id, user_id, is_anonymous, original_path, created_at, status, updated_at, \
         completed_at, image_path, lease_until, lease, revision, due_at, receiver, \
         delivery_due_at, request, state",
};

/// Results of completed tasks.
pub static CONCEPTS: Table = Table {
    name: "concept",
    known_as: "concepts",
    key: "id",
    columns: "id, task_id, user_id, is_anonymous, image_path, created_at, image_sha256, \
         parent_id, content",
};

/// Jobs: operators' actions on all tasks that match a filter.
pub static JOBS: Table = Table {
    name: "job",
    known_as: "jobs",
    key: "id",
    columns: "id, created_at, ended_at, content",
};

/// All tables of a task store except [`UPLOAD_RESERVATIONS`].
pub static TABLES: [&Table; 13] = [
    &TASKS,
    &CONCEPTS,
    // How many tasks each user has created, under pseudonyms: the secret moves with them.
    &Table {
        name: "account",
        known_as: "counts of tasks",
        key: "pseudonym",
        columns: "pseudonym, usage, ends_at",
    },
    // What each user spent, under pseudonyms.
    &Table {
        name: "ledger",
        known_as: "sums of money",
        key: "pseudonym, starts_at, model",
        columns: "pseudonym, starts_at, model, user_id, spent, reserved, unknown_calls",
    },
    &Table {
        name: "idempotency_key",
        known_as: "idempotency keys",
        key: "user_id, key",
        columns: "user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at",
    },
    // Tombstones of deleted tasks.
    &Table {
        name: "tombstone",
        known_as: "deleted tasks",
        key: "task_id",
        columns: "task_id, deleted_at",
    },
    // When the sessions of anonymous users end.
    &Table {
        name: "session",
        known_as: "sessions",
        key: "user_id",
        columns: "user_id, until",
    },
    // The last round of deletion by age.
    &Table {
        name: "last_round",
        known_as: "rounds of retention",
        key: "id",
        columns: "id, at, probation",
    },
    // The time since which the queue is paused, if it is.
    &Table {
        name: "queue_pause",
        known_as: "pauses of the queue",
        key: "id",
        columns: "id, since",
    },
    // The audit.
    &Table {
        name: "audit_entry",
        known_as: "audit entries",
        key: "number",
        columns: "number, at, actor, action, target, reason, count",
    },
    &JOBS,
    // By when tasks have to have begun.
    &Table {
        name: "deadline",
        known_as: "deadlines",
        key: "task_id",
        columns: "task_id, at",
    },
    // When a task of each user was claimed last.
    &Table {
        name: "last_claim",
        known_as: "claims",
        key: "user_id",
        columns: "user_id, claimed_at",
    },
];

/// Reservations of images in a store that cannot count them. A move of images adds
/// some.
pub static UPLOAD_RESERVATIONS: Table = Table {
    name: "upload_reservation",
    known_as: "reservations of images",
    key: "owner, kind, name",
    columns: "owner, kind, name, bytes, anonymous_owner",
};

/// The source of a move to this store that has begun and not ended.
pub static UNFINISHED_MOVE: Table = Table {
    name: "unfinished_move",
    known_as: "unfinished moves",
    key: "id",
    columns: "id, source",
};

impl Table {
    /// A query for rows in the order of the key: the first ones, or those after the key
    /// that is passed as parameters.
    pub fn select(&self, rows: &str, is_first: bool, limit: u32) -> String {
        let Self {
            name, key, columns, ..
        } = self;
        let condition = match *name == UPLOAD_RESERVATIONS.name {
            // Those that are held belong to uploads in progress.
            true => "until IS NULL",
            false => "TRUE",
        };
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

/// One placeholder per column, in the syntax that Postgres and SQLite share.
pub fn parameters(columns: &str) -> String {
    let numbers = 1..=columns.split(", ").count();
    let parameters: Vec<_> = numbers.map(|number| format!("${number}")).collect();
    parameters.join(", ")
}

/// All records of a task store.
pub trait Records: Send + Sync {
    /// Records of a table, at most `limit`, after a given one, in an order that the store
    /// chooses. An empty answer means that there are no more.
    fn records(
        &self,
        table: &'static Table,
        after: Option<Record>,
        limit: u32,
    ) -> Answer<'_, Vec<Record>>;

    /// Stores records durably, in one step. A record that already exists is left
    /// unchanged.
    fn restore(&self, table: &'static Table, records: Vec<Record>) -> Answer<'_, ()>;

    /// Removes all records of a table, durably.
    fn clear(&self, table: &'static Table) -> Answer<'_, ()>;
}

/// The source of an unfinished move, as stored in [`UNFINISHED_MOVE`].
pub fn source_of(records: &[Record]) -> Option<String> {
    let source = records.first()?.last()?;
    source.as_str().map(str::to_owned)
}

/// Why a store that a move filled only partly cannot be used, and what to do, as the
/// end of a sentence.
pub fn half_moved(source: &str) -> String {
    format!(
        "a move to it has begun and not ended: make it once more, by `concept-refinement move \
         --from {source} --to …`"
    )
}

/// An image with everything that is stored about it.
pub struct WholeImage {
    /// The metadata given when it was stored.
    pub image: NewImage,
    /// The metadata that the store reports now.
    pub info: ImageInfo,
    /// Its bytes.
    pub contents: Contents,
}

/// Images that no process uses. Everything here blocks the thread.
pub trait ImagesAtRest: Send + Sync {
    /// Copies files that cannot be read in place to a directory, before anything is
    /// read.
    fn begin(&self, scratch: &Path) -> io::Result<()>;

    /// The paths of all of them.
    fn paths(&self) -> io::Result<Vec<String>>;

    /// None: it is damaged, and treated as missing.
    fn open(&self, path: &str) -> io::Result<Option<WholeImage>>;
}

/// A store that images are moved to.
pub trait RestoreImages: Send + Sync {
    /// Stores an image as [`ImageStore::put`](super::images::ImageStore::put) does, but
    /// with the given time of creation.
    fn restore(
        &self,
        image: NewImage,
        created_at: Timestamp,
        contents: Contents,
    ) -> Answer<'_, StoredOrNot>;
}
