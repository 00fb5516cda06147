//! The schema and its migrations.

use rusqlite::Connection;

use crate::capability::sqlite::migrations::{self, MigrationError};

/// Identifies our files (`PRAGMA application_id`): "CRef".
const APPLICATION_ID: i32 = 0x4352_6566;

/// Sets the application id to the same value again. Unlike an update of a row
/// to the values that it has, this really writes.
pub(super) fn write_probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

/// Each entry migrates to the next version. Released entries are never edited;
/// a change is a new entry.
const MIGRATIONS: &[&str] = &[
    r"
CREATE TABLE task (
    id                 TEXT PRIMARY KEY,
    user_id            TEXT NOT NULL,
    is_anonymous       INTEGER NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    original_image_url TEXT NOT NULL,
    refinement_prompt  TEXT NOT NULL,
    logo_description   TEXT,
    theme_description  TEXT,
    original_path      TEXT,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER,
    completed_at       INTEGER,
    result_id          TEXT,
    image_path         TEXT,
    error_message      TEXT,
    lease_until        INTEGER,
    -- How often it was claimed: the fencing token.
    attempt            INTEGER NOT NULL DEFAULT 0,
    -- How often a lease ran out.
    deaths             INTEGER NOT NULL DEFAULT 0,
    -- The path of the stored refined image.
    checkpoint         TEXT,
    -- How often its status changed; orders what its watchers are told.
    revision           INTEGER NOT NULL DEFAULT 0,
    -- When it needs a (new) message, while it is pending or processing.
    due_at             INTEGER,
    CHECK ((due_at IS NULL) = (status IN ('completed', 'failed'))),
    CHECK ((lease_until IS NULL) = (status <> 'processing')),
    CHECK ((completed_at IS NULL) = (status IN ('pending', 'processing')))
) STRICT;

-- One active task a user, whatever else goes wrong.
CREATE UNIQUE INDEX task_active ON task (user_id) WHERE status IN ('pending', 'processing');
CREATE INDEX task_of_user ON task (user_id, created_at, id);
CREATE INDEX task_of_user_by_status ON task (user_id, status, created_at, id);
CREATE INDEX task_due ON task (due_at) WHERE due_at IS NOT NULL;

-- How many tasks are pending: one row, kept by the triggers, since counting
-- ten thousand at each submission is too slow.
CREATE TABLE backlog (
    id      INTEGER PRIMARY KEY CHECK (id = 0),
    pending INTEGER NOT NULL CHECK (pending >= 0)
) STRICT;
INSERT INTO backlog (id, pending) VALUES (0, 0);
CREATE TRIGGER task_added AFTER INSERT ON task WHEN NEW.status = 'pending' BEGIN
    UPDATE backlog SET pending = pending + 1;
END;
CREATE TRIGGER task_changed AFTER UPDATE OF status ON task
WHEN (OLD.status = 'pending') <> (NEW.status = 'pending') BEGIN
    UPDATE backlog SET pending = pending + iif(NEW.status = 'pending', 1, -1);
END;
CREATE TRIGGER task_removed AFTER DELETE ON task WHEN OLD.status = 'pending' BEGIN
    UPDATE backlog SET pending = pending - 1;
END;

-- How many tasks a user created in each calendar window. Apart from the tasks,
-- so that deleting one gives nothing back.
CREATE TABLE usage (
    user_id   TEXT NOT NULL,
    window    TEXT NOT NULL CHECK (window IN ('hour', 'day', 'month')),
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    used      INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (user_id, window, starts_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_ended ON usage (ends_at);

-- What a repeat of a submission needs to be answered as the first one was, even
-- if the task is deleted. The refinement itself is in the repeat.
CREATE TABLE idempotency_key (
    user_id       TEXT NOT NULL,
    key           TEXT NOT NULL,
    fingerprint   BLOB NOT NULL,
    task_id       TEXT NOT NULL UNIQUE,
    is_anonymous  INTEGER NOT NULL,
    original_path TEXT,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);

CREATE TABLE concept (
    id                 TEXT PRIMARY KEY,
    task_id            TEXT NOT NULL UNIQUE,
    user_id            TEXT NOT NULL,
    is_anonymous       INTEGER NOT NULL,
    image_path         TEXT NOT NULL,
    image_url          TEXT NOT NULL,
    original_image_url TEXT NOT NULL,
    refinement_prompt  TEXT NOT NULL,
    logo_description   TEXT,
    theme_description  TEXT,
    -- A JSON array of strings.
    color_palettes     TEXT NOT NULL,
    -- None while it is only prepared, and invisible.
    created_at         INTEGER
) STRICT;
CREATE INDEX concept_of_user ON concept (user_id, created_at, id) WHERE created_at IS NOT NULL;
",
    r"
-- What is old enough to be forgotten, and which uploads are still needed.
CREATE INDEX task_age ON task (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX concept_age ON concept (created_at) WHERE created_at IS NOT NULL;
CREATE INDEX task_original ON task (original_path)
    WHERE original_path IS NOT NULL AND status IN ('pending', 'processing');

-- Tasks that were deleted, or whose concept was: what is left of their images
-- may go. That a task is not in this file proves nothing.
CREATE TABLE forgotten_task (
    id           TEXT PRIMARY KEY,
    forgotten_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_task_age ON forgotten_task (forgotten_at);
",
    r"
-- So that tasks can be counted without reading them.
CREATE INDEX task_failed ON task (completed_at) WHERE status = 'failed';
",
    r"
-- A concept is written when its task completes, and the path of a refined image
-- follows from its task and attempt. The column checkpoint stays empty: dropping
-- it would write the whole table again.
DELETE FROM concept WHERE created_at IS NULL;
",
    r"
-- What the clock said at the last round of deletion by age, and for how long it
-- has agreed with running time (in microseconds) since it did not. In a file
-- that is older than this table, the newest time that was ever written.
CREATE TABLE last_round (
    id        INTEGER PRIMARY KEY CHECK (id = 0),
    at        INTEGER NOT NULL,
    probation INTEGER
) STRICT;
INSERT INTO last_round (id, at) SELECT 0, newest FROM (
    SELECT max(time) AS newest FROM (
        SELECT max(created_at) AS time FROM task
        UNION ALL SELECT max(completed_at) FROM task
        UNION ALL SELECT max(created_at) FROM concept
    )
) WHERE newest IS NOT NULL;
",
    r"
-- Until when anonymous users have sessions who own something, as far as they were
-- renewed. What they left goes some time after that.
CREATE TABLE session (
    user_id TEXT PRIMARY KEY,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_end ON session (until);
CREATE INDEX task_anonymous ON task (created_at)
    WHERE is_anonymous = 1 AND completed_at IS NOT NULL;
CREATE INDEX concept_anonymous ON concept (created_at)
    WHERE is_anonymous = 1 AND created_at IS NOT NULL;
",
    r"
-- Images in a store that cannot count: what is stored, or in doubt until a time,
-- after which its host is dead.
CREATE TABLE upload_place (
    id    TEXT PRIMARY KEY,
    kind  TEXT NOT NULL CHECK (kind IN ('uploads', 'refined')),
    -- The owner's tag.
    owner TEXT NOT NULL,
    name  TEXT NOT NULL,
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    since INTEGER NOT NULL,
    until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_place_of_owner ON upload_place (owner, kind, name);
CREATE UNIQUE INDEX upload_place_stored ON upload_place (owner, kind, name) WHERE until IS NULL;
CREATE INDEX upload_place_in_doubt ON upload_place (until) WHERE until IS NOT NULL;

-- What all of them take, in bytes: one row, kept by the triggers.
CREATE TABLE upload_total (
    id       INTEGER PRIMARY KEY CHECK (id = 0),
    stored   INTEGER NOT NULL CHECK (stored >= 0),
    in_doubt INTEGER NOT NULL CHECK (in_doubt >= 0),
    doubtful INTEGER NOT NULL CHECK (doubtful >= 0)
) STRICT;
INSERT INTO upload_total (id, stored, in_doubt, doubtful) VALUES (0, 0, 0, 0);
CREATE TRIGGER upload_place_added AFTER INSERT ON upload_place BEGIN
    UPDATE upload_total SET stored = stored + iif(NEW.until IS NULL, NEW.bytes, 0),
        in_doubt = in_doubt + iif(NEW.until IS NULL, 0, NEW.bytes),
        doubtful = doubtful + (NEW.until IS NOT NULL);
END;
CREATE TRIGGER upload_place_changed AFTER UPDATE OF until ON upload_place
WHEN (OLD.until IS NULL) <> (NEW.until IS NULL) BEGIN
    UPDATE upload_total SET stored = stored + iif(NEW.until IS NULL, NEW.bytes, -NEW.bytes),
        in_doubt = in_doubt + iif(NEW.until IS NULL, -NEW.bytes, NEW.bytes),
        doubtful = doubtful + iif(NEW.until IS NULL, -1, 1);
END;
CREATE TRIGGER upload_place_removed AFTER DELETE ON upload_place BEGIN
    UPDATE upload_total SET stored = stored - iif(OLD.until IS NULL, OLD.bytes, 0),
        in_doubt = in_doubt - iif(OLD.until IS NULL, 0, OLD.bytes),
        doubtful = doubtful - (OLD.until IS NOT NULL);
END;
",
    r"
-- The delivery of a task's webhook, in JSON, and who gets it. It is due from that
-- time on, once the task has ended; none: it has ended too, or there is none.
ALTER TABLE task ADD COLUMN delivery TEXT;
ALTER TABLE task ADD COLUMN receiver TEXT;
ALTER TABLE task ADD COLUMN delivery_due_at INTEGER;
CREATE INDEX task_delivery ON task (delivery_due_at, completed_at, receiver, id)
    WHERE delivery_due_at IS NOT NULL AND completed_at IS NOT NULL;
",
    r"
-- What the model said of its work: a JSON array of strings.
ALTER TABLE concept ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
",
    r"
-- With the user, so that of many deliveries that wait for a place no row is read.
DROP INDEX task_delivery;
CREATE INDEX task_delivery ON task (delivery_due_at, completed_at, receiver, id, user_id)
    WHERE delivery_due_at IS NOT NULL AND completed_at IS NOT NULL;
",
];

/// Migrates the file to the newest version.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), MigrationError> {
    migrations::migrate(connection, MIGRATIONS, Some(APPLICATION_ID))
}

/// Whether [`migrate`] would change the file.
pub(super) fn is_outdated(connection: &Connection) -> rusqlite::Result<bool> {
    let version = migrations::version(connection)?;
    Ok(usize::try_from(version).is_ok_and(|version| version < MIGRATIONS.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of the first version keeps all its data.
    #[test]
    fn a_file_of_each_version_is_taken_along() {
        for version in 1..=MIGRATIONS.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            connection
                .execute_batch(&MIGRATIONS[..version].concat())
                .unwrap();
            connection
                .pragma_update(None, "user_version", version as i64)
                .unwrap();
            connection
                .execute_batch(
                    "INSERT INTO task (id, user_id, is_anonymous, status, original_image_url, \
                     refinement_prompt, created_at, due_at) \
                     VALUES ('a', 'ada', 0, 'pending', 'u', 'p', 1, 2)",
                )
                .unwrap();
            migrate(&mut connection).unwrap();
            let query = "SELECT count(*) FROM task, backlog WHERE task.id = 'a' AND pending = 1";
            let kept: i64 = connection.query_row(query, [], |row| row.get(0)).unwrap();
            assert_eq!(kept, 1, "of version {version}");
            connection
                .execute("INSERT INTO forgotten_task VALUES ('b', 1)", [])
                .unwrap();
        }
    }

    #[test]
    fn migrates_once_and_refuses_what_is_newer() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection
            .execute("UPDATE backlog SET pending = 7", [])
            .unwrap();
        migrate(&mut connection).unwrap();
        let pending: i64 = connection
            .query_row("SELECT pending FROM backlog", [], |row| row.get(0))
            .unwrap();
        assert_eq!(pending, 7, "nothing was created again");

        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert!(matches!(error, MigrationError::Newer));
    }
}
