-- Tasks, concepts and jobs become documents beside the columns that queries need. First the
-- tables of version 0.1 make room: the rewrites of `upgrade.rs` read them by these names.

DROP TRIGGER task_added;
DROP TRIGGER task_changed;
DROP TRIGGER task_removed;
DROP INDEX task_active;
DROP INDEX task_of_user;
DROP INDEX task_of_user_by_status;
DROP INDEX task_due;
DROP INDEX task_delivery;
DROP INDEX task_age;
DROP INDEX task_anonymous;
DROP INDEX task_original;
DROP INDEX task_failed;
DROP INDEX concept_of_user;
DROP INDEX concept_age;
DROP INDEX concept_anonymous;
ALTER TABLE task RENAME TO task_of_0_1;
ALTER TABLE concept RENAME TO concept_of_0_1;
ALTER TABLE job RENAME TO job_of_0_1;

CREATE TABLE task (
    id              TEXT PRIMARY KEY,
    user_id         TEXT NOT NULL,
    is_anonymous    INTEGER NOT NULL,
    original_path   TEXT,
    created_at      INTEGER NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    updated_at      INTEGER,
    completed_at    INTEGER,
    -- Until its concept is deleted.
    image_path      TEXT,
    lease_until     INTEGER,
    -- How long its lease lasts from each renewal on, in microseconds.
    lease           INTEGER,
    -- How often its status changed; orders what its watchers are told.
    revision        INTEGER NOT NULL,
    -- When it needs a (new) message, while it is pending or processing.
    due_at          INTEGER,
    -- Who gets its webhook. It is due from that time on, once the task has ended; none: it
    -- has ended too, or there is none.
    receiver        TEXT,
    delivery_due_at INTEGER,
    -- What was asked, and what became of it, in JSON: see the domain's `document.rs`.
    request         TEXT NOT NULL,
    state           TEXT NOT NULL,
    CHECK ((due_at IS NULL) = (status IN ('completed', 'failed'))),
    CHECK ((lease_until IS NULL) = (status <> 'processing')),
    CHECK ((lease IS NULL) = (status <> 'processing')),
    CHECK ((completed_at IS NULL) = (status IN ('pending', 'processing')))
) STRICT;

CREATE TABLE concept (
    id           TEXT PRIMARY KEY,
    task_id      TEXT NOT NULL UNIQUE,
    user_id      TEXT NOT NULL,
    is_anonymous INTEGER NOT NULL,
    image_path   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    -- Of the stored image, in hexadecimal; none: it was stored by an earlier version.
    image_sha256 TEXT,
    -- The concept that it was refined from.
    parent_id    TEXT,
    -- All of it, in JSON.
    content      TEXT NOT NULL
) STRICT;

-- Acts on all tasks that a filter matches.
CREATE TABLE job (
    id         TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    -- In JSON.
    content    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
