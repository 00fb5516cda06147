-- Version 17: tasks, concepts and jobs are documents, beside the few columns that queries
-- need. Breaking: hosts of version 0.1 cannot use these tables.
--
-- The rows of the old tables are rewritten after this, and 017_indexes.sql drops the tables.

LOCK TABLE schema.task, schema.concept, schema.job, schema.forgotten_task, schema.duty,
    schema.upload_reservation, schema.upload_total IN ACCESS EXCLUSIVE MODE;

DROP FUNCTION schema.find_task, schema.active_task, schema.find_account, schema.insert_task,
    schema.swap_task, schema.swap_task_and_account, schema.finish_task, schema.due_tasks;

DROP INDEX schema.task_active, schema.task_of_user, schema.task_failed, schema.task_due,
    schema.task_deliver, schema.task_delivery, schema.task_age, schema.task_original,
    schema.concept_of_user, schema.concept_age;

ALTER TABLE schema.task RENAME TO task_of_0_1;
ALTER INDEX schema.task_pkey RENAME TO task_of_0_1_pkey;
ALTER TABLE schema.concept RENAME TO concept_of_0_1;
ALTER INDEX schema.concept_pkey RENAME TO concept_of_0_1_pkey;
ALTER INDEX schema.concept_task_id_key RENAME TO concept_of_0_1_task_id_key;
ALTER TABLE schema.job RENAME TO job_of_0_1;
ALTER INDEX schema.job_pkey RENAME TO job_of_0_1_pkey;

CREATE TABLE schema.task (
    id              uuid PRIMARY KEY,
    user_id         text NOT NULL,
    is_anonymous    boolean NOT NULL,
    original_path   text,
    created_at      timestamptz NOT NULL,
    status          text NOT NULL,
    updated_at      timestamptz,
    completed_at    timestamptz,
    image_path      text,
    lease_until     timestamptz,
    -- How long its lease lasts after each renewal, in microseconds.
    lease           bigint,
    -- How often its status changed.
    revision        bigint NOT NULL DEFAULT 0,
    -- When it needs a (new) message, while it is pending or processing.
    due_at          timestamptz,
    -- Who receives its webhook, and when the delivery is due, once the task has ended. Null:
    -- there is none, or it has ended.
    receiver        text,
    delivery_due_at timestamptz,
    -- The documents. The first one never changes.
    request         text NOT NULL,
    state           text NOT NULL,
    -- When the queue inside this store delivers it next, while it is pending or processing.
    deliver_at      timestamptz,
    -- How often it was written: what a change compares and swaps.
    version         bigint NOT NULL DEFAULT 0,
    -- One condition: each costs something with each write.
    CONSTRAINT task_check CHECK (CASE status
        WHEN 'pending' THEN completed_at IS NULL AND due_at IS NOT NULL
            AND deliver_at IS NOT NULL AND lease_until IS NULL
        WHEN 'processing' THEN completed_at IS NULL AND due_at IS NOT NULL
            AND deliver_at IS NOT NULL AND lease_until IS NOT NULL AND lease IS NOT NULL
        WHEN 'completed' THEN completed_at IS NOT NULL AND due_at IS NULL
            AND deliver_at IS NULL AND lease_until IS NULL
        WHEN 'failed' THEN completed_at IS NOT NULL AND due_at IS NULL
            AND deliver_at IS NULL AND lease_until IS NULL
        ELSE false END)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);

CREATE TABLE schema.concept (
    id           uuid PRIMARY KEY,
    task_id      uuid NOT NULL,
    user_id      text NOT NULL,
    is_anonymous boolean NOT NULL,
    image_path   text NOT NULL,
    created_at   timestamptz NOT NULL,
    -- Of the image's bytes, in hexadecimal.
    image_sha256 text,
    -- The concept whose image it refines.
    parent_id    uuid,
    -- The document.
    content      text NOT NULL
);

CREATE TABLE schema.job (
    id         uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz,
    -- The document.
    content    text NOT NULL
);

-- Tasks that were deleted, or whose concept was: their images may be deleted too. That a
-- task is not in this database proves nothing.
ALTER TABLE schema.forgotten_task RENAME TO tombstone;
ALTER TABLE schema.tombstone RENAME id TO task_id;
ALTER TABLE schema.tombstone RENAME forgotten_at TO deleted_at;
ALTER INDEX schema.forgotten_task_pkey RENAME TO tombstone_pkey;
ALTER INDEX schema.forgotten_task_age RENAME TO tombstone_age;

ALTER TABLE schema.duty RENAME TO leader_lease;
ALTER INDEX schema.duty_pkey RENAME TO leader_lease_pkey;

ALTER TABLE schema.upload_total RENAME in_doubt TO pending;
ALTER TABLE schema.upload_total RENAME doubtful TO pending_count;
