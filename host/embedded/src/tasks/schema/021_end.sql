-- After the rows were rewritten. Indexes are made at once rather than row by row.

DROP TABLE task_of_0_1;
DROP TABLE concept_of_0_1;
DROP TABLE job_of_0_1;

-- The active tasks of a user, the oldest first.
CREATE INDEX task_active ON task (user_id, created_at, id)
    WHERE status IN ('pending', 'processing');
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

CREATE INDEX concept_of_user ON concept (user_id, created_at, id);
CREATE INDEX concept_age ON concept (created_at);
CREATE INDEX concept_anonymous ON concept (created_at) WHERE is_anonymous = 1;
CREATE INDEX concept_by_image ON concept (image_sha256) WHERE image_sha256 IS NOT NULL;
CREATE INDEX concept_of_parent ON concept (parent_id, created_at, id)
    WHERE parent_id IS NOT NULL;

-- How many tasks are pending is counted by triggers: see version 20.
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

-- Tasks that were deleted, or whose concept was: what is left of their images may go. That
-- a task is not in this file proves nothing.
CREATE TABLE tombstone (
    task_id    TEXT PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tombstone (task_id, deleted_at) SELECT id, forgotten_at FROM forgotten_task;
DROP TABLE forgotten_task;
CREATE INDEX tombstone_age ON tombstone (deleted_at);

-- What all uploads take, in bytes: one row, kept by the triggers.
DROP TRIGGER upload_reservation_added;
DROP TRIGGER upload_reservation_removed;
DROP TRIGGER upload_reservation_changed;
ALTER TABLE upload_total RENAME TO upload_total_of_0_1;
CREATE TABLE upload_total (
    id            INTEGER PRIMARY KEY CHECK (id = 0),
    stored        INTEGER NOT NULL CHECK (stored >= 0),
    pending       INTEGER NOT NULL CHECK (pending >= 0),
    -- Not in bytes.
    pending_count INTEGER NOT NULL CHECK (pending_count >= 0)
) STRICT;
INSERT INTO upload_total (id, stored, pending, pending_count)
    SELECT id, stored, in_doubt, doubtful FROM upload_total_of_0_1;
DROP TABLE upload_total_of_0_1;
CREATE TRIGGER upload_reservation_added AFTER INSERT ON upload_reservation BEGIN
    UPDATE upload_total SET stored = stored + iif(NEW.until IS NULL, NEW.bytes, 0),
        pending = pending + iif(NEW.until IS NULL, 0, NEW.bytes),
        pending_count = pending_count + (NEW.until IS NOT NULL);
END;
CREATE TRIGGER upload_reservation_removed AFTER DELETE ON upload_reservation BEGIN
    UPDATE upload_total SET stored = stored - iif(OLD.until IS NULL, OLD.bytes, 0),
        pending = pending - iif(OLD.until IS NULL, 0, OLD.bytes),
        pending_count = pending_count - (OLD.until IS NOT NULL);
END;
CREATE TRIGGER upload_reservation_changed AFTER UPDATE ON upload_reservation
    WHEN OLD.bytes <> NEW.bytes OR (OLD.until IS NULL) <> (NEW.until IS NULL) BEGIN
    UPDATE upload_total SET
        stored = stored - iif(OLD.until IS NULL, OLD.bytes, 0)
            + iif(NEW.until IS NULL, NEW.bytes, 0),
        pending = pending - iif(OLD.until IS NULL, 0, OLD.bytes)
            + iif(NEW.until IS NULL, 0, NEW.bytes),
        pending_count = pending_count - (OLD.until IS NOT NULL) + (NEW.until IS NOT NULL);
END;
