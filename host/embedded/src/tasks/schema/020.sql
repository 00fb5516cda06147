-- The tables of a data directory. `schema.rs` has their version, which changes with them.

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
    -- How long its lease lasts from each renewal on, in microseconds.
    lease              INTEGER,
    -- How often it was claimed: the fencing token.
    attempt            INTEGER NOT NULL DEFAULT 0,
    -- How often a lease ran out.
    deaths             INTEGER NOT NULL DEFAULT 0,
    -- How often its status changed; orders what its watchers are told.
    revision           INTEGER NOT NULL DEFAULT 0,
    -- What it may have to be paid for, and its receipts, in JSON; none: nothing.
    payment            TEXT,
    -- When it needs a (new) message, while it is pending or processing.
    due_at             INTEGER,
    -- The delivery of its webhook, in JSON, and who gets it. It is due from that time
    -- on, once the task has ended; none: it has ended too, or there is none.
    delivery           TEXT,
    receiver           TEXT,
    delivery_due_at    INTEGER,
    -- The failed task that it retries.
    retry_of           TEXT,
    -- The place of its request in a trace, as in the header `traceparent`.
    trace              TEXT,
    -- What happened to it: a line of JSON for each step. Read for its operator only.
    steps              TEXT NOT NULL,
    CHECK ((due_at IS NULL) = (status IN ('completed', 'failed'))),
    CHECK ((lease_until IS NULL) = (status <> 'processing')),
    CHECK ((lease IS NULL) = (status <> 'processing')),
    CHECK ((completed_at IS NULL) = (status IN ('pending', 'processing')))
) STRICT;

-- One active task a user, whatever else goes wrong.
CREATE UNIQUE INDEX task_active ON task (user_id) WHERE status IN ('pending', 'processing');
CREATE INDEX task_of_user ON task (user_id, created_at, id);
CREATE INDEX task_of_user_by_status ON task (user_id, status, created_at, id);
CREATE INDEX task_due ON task (due_at) WHERE due_at IS NOT NULL;
-- With the user, so that of many deliveries that wait for a permit no row is read.
CREATE INDEX task_delivery ON task (delivery_due_at, completed_at, receiver, id, user_id)
    WHERE delivery_due_at IS NOT NULL AND completed_at IS NOT NULL;
-- What is old enough to be forgotten, and which uploads are still needed.
CREATE INDEX task_age ON task (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX task_anonymous ON task (created_at)
    WHERE is_anonymous = 1 AND completed_at IS NOT NULL;
CREATE INDEX task_original ON task (original_path)
    WHERE original_path IS NOT NULL AND status IN ('pending', 'processing');
-- So that tasks can be counted without reading them, and an operator finds the latest.
CREATE INDEX task_failed ON task (id) WHERE status = 'failed';

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

-- How many tasks a user created in each calendar window, in JSON, and when none of
-- the counts matters any longer. Apart from the tasks, so that deleting one gives
-- nothing back, and under the user's pseudonym, so that erasing the user does not either.
CREATE TABLE account (
    pseudonym TEXT PRIMARY KEY,
    usage     TEXT NOT NULL,
    ends_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX account_ended ON account (ends_at);

-- What a repeat of a submission needs to be answered as the first one was, even
-- if the task is deleted. The refinement itself is in the repeat.
CREATE TABLE idempotency_key (
    user_id       TEXT NOT NULL,
    key           TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
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
    -- What the model said of its work, likewise.
    notes              TEXT NOT NULL,
    created_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX concept_of_user ON concept (user_id, created_at, id);
CREATE INDEX concept_age ON concept (created_at);
CREATE INDEX concept_anonymous ON concept (created_at) WHERE is_anonymous = 1;

-- Tasks that were deleted, or whose concept was: what is left of their images
-- may go. That a task is not in this file proves nothing.
CREATE TABLE forgotten_task (
    id           TEXT PRIMARY KEY,
    forgotten_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_task_age ON forgotten_task (forgotten_at);

-- Until when anonymous users have sessions who own something, as far as they were
-- renewed. What they left goes some time after that.
CREATE TABLE session (
    user_id TEXT PRIMARY KEY,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_end ON session (until);

-- What the clock said at the last round of deletion by age, and for how long it
-- has agreed with running time (in microseconds) since it did not.
CREATE TABLE last_round (
    id        INTEGER PRIMARY KEY CHECK (id = 0),
    at        INTEGER NOT NULL,
    probation INTEGER
) STRICT;

-- Where a move to these tables has begun from that has not ended: until then they hold a
-- part only.
CREATE TABLE unfinished_move (
    id     INTEGER PRIMARY KEY CHECK (id = 0),
    source TEXT NOT NULL
) STRICT;

-- Images in a store that cannot count: what is stored, or held until a time, after
-- which its host is dead.
CREATE TABLE upload_reservation (
    -- The owner's tag.
    owner  TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('uploads', 'refined')),
    name   TEXT NOT NULL,
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),
    holder TEXT UNIQUE,
    until  INTEGER,
    -- The owner's id, if that is an anonymous user.
    anonymous_owner TEXT,
    PRIMARY KEY (owner, kind, name),
    CHECK ((holder IS NULL) = (until IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_reservation_held ON upload_reservation (until) WHERE until IS NOT NULL;

-- What all of them take, in bytes: one row, kept by the triggers.
CREATE TABLE upload_total (
    id       INTEGER PRIMARY KEY CHECK (id = 0),
    stored   INTEGER NOT NULL CHECK (stored >= 0),
    in_doubt INTEGER NOT NULL CHECK (in_doubt >= 0),
    doubtful INTEGER NOT NULL CHECK (doubtful >= 0)
) STRICT;
INSERT INTO upload_total (id, stored, in_doubt, doubtful) VALUES (0, 0, 0, 0);
CREATE TRIGGER upload_reservation_added AFTER INSERT ON upload_reservation BEGIN
    UPDATE upload_total SET stored = stored + iif(NEW.until IS NULL, NEW.bytes, 0),
        in_doubt = in_doubt + iif(NEW.until IS NULL, 0, NEW.bytes),
        doubtful = doubtful + (NEW.until IS NOT NULL);
END;
CREATE TRIGGER upload_reservation_removed AFTER DELETE ON upload_reservation BEGIN
    UPDATE upload_total SET stored = stored - iif(OLD.until IS NULL, OLD.bytes, 0),
        in_doubt = in_doubt - iif(OLD.until IS NULL, 0, OLD.bytes),
        doubtful = doubtful - (OLD.until IS NOT NULL);
END;
CREATE TRIGGER upload_reservation_changed AFTER UPDATE ON upload_reservation
    WHEN OLD.bytes <> NEW.bytes OR (OLD.until IS NULL) <> (NEW.until IS NULL) BEGIN
    UPDATE upload_total SET
        stored = stored - iif(OLD.until IS NULL, OLD.bytes, 0)
            + iif(NEW.until IS NULL, NEW.bytes, 0),
        in_doubt = in_doubt - iif(OLD.until IS NULL, 0, OLD.bytes)
            + iif(NEW.until IS NULL, 0, NEW.bytes),
        doubtful = doubtful - (OLD.until IS NOT NULL) + (NEW.until IS NOT NULL);
END;

-- Since when an operator has paused the queue; no row: it is not paused.
CREATE TABLE queue_pause (
    id    INTEGER PRIMARY KEY CHECK (id = 0),
    since INTEGER NOT NULL
) STRICT;

-- Who did what, and why.
CREATE TABLE audit_entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    -- A task's id, a filter in JSON, or `queue`.
    target TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- To how many tasks.
    count  INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_entry_age ON audit_entry (at);

-- Acts on all tasks that a filter matches.
CREATE TABLE job (
    id         TEXT PRIMARY KEY,
    action     TEXT NOT NULL,
    -- In JSON.
    filter     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    total      INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    -- The task that was looked at last.
    task_created_at INTEGER,
    task_id         TEXT
) STRICT, WITHOUT ROWID;
