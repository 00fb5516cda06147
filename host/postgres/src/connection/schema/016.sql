-- The tables of a database that hosts share. `schema.` stands for the schema's name.
-- `schema.rs` has the version of all this, which changes with it.

CREATE TABLE schema.schema_version (
    version bigint PRIMARY KEY
);

CREATE TABLE schema.account (
    pseudonym text PRIMARY KEY,
    -- How many tasks the user created in each calendar window. Apart from the
    -- tasks, so that deleting one gives nothing back, and under the user's pseudonym,
    -- so that erasing the user does not either. In JSON.
    usage     text NOT NULL,
    -- When none of the counts matters any longer.
    ends_at   timestamptz NOT NULL,
    -- What a submission compares and swaps.
    revision  bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 70);
CREATE INDEX account_ended ON schema.account (ends_at);

CREATE TABLE schema.task (
    id                 uuid PRIMARY KEY,
    user_id            text NOT NULL,
    is_anonymous       boolean NOT NULL,
    status             text NOT NULL,
    original_image_url text NOT NULL,
    refinement_prompt  text NOT NULL,
    logo_description   text,
    theme_description  text,
    original_path      text,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz,
    completed_at       timestamptz,
    result_id          uuid,
    image_path         text,
    error_message      text,
    lease_until        timestamptz,
    -- How long its lease lasts from each renewal on, in microseconds.
    lease              bigint,
    -- How often it was claimed: the fencing token.
    attempt            bigint NOT NULL DEFAULT 0,
    -- How often a lease ran out.
    deaths             bigint NOT NULL DEFAULT 0,
    -- How often its status changed; what a change compares and swaps.
    revision           bigint NOT NULL DEFAULT 0,
    -- What it may have to be paid for, and its receipts, in JSON; null: nothing.
    payment            text,
    -- When it needs a (new) message, while it is pending or processing.
    due_at             timestamptz,
    -- When the queue inside this store delivers it next, likewise.
    deliver_at         timestamptz,
    -- The delivery of its webhook, in JSON, and who gets it. It is due from that time
    -- on, once the task has ended; null: it has ended too, or there is none.
    delivery           text,
    receiver           text,
    delivery_due_at    timestamptz,
    -- The failed task that it retries.
    retry_of           uuid,
    -- The place of its request in a trace, as in the header `traceparent`.
    trace              text,
    -- What happened to it: a line of JSON for each step. Read for its operator only.
    steps              text NOT NULL DEFAULT '',
    -- One condition: each costs something with each write.
    CHECK (CASE status
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

-- One active task a user, whatever else goes wrong.
CREATE UNIQUE INDEX task_active ON schema.task (user_id) WHERE completed_at IS NULL;
CREATE INDEX task_of_user ON schema.task (user_id, created_at DESC, id DESC);
-- So that tasks can be counted without reading them, and an operator finds the latest.
CREATE INDEX task_failed ON schema.task (id) WHERE status = 'failed';
CREATE INDEX task_due ON schema.task (due_at) WHERE completed_at IS NULL;
CREATE INDEX task_deliver ON schema.task (deliver_at) WHERE completed_at IS NULL;
CREATE INDEX task_delivery ON schema.task (delivery_due_at, completed_at) INCLUDE (receiver)
    WHERE completed_at IS NOT NULL AND delivery_due_at IS NOT NULL;
CREATE INDEX task_age ON schema.task (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX task_original ON schema.task (original_path)
    WHERE original_path IS NOT NULL AND completed_at IS NULL;

-- What a repeat of a submission needs to be answered as the first one was, even
-- if the task is deleted. The refinement itself is in the repeat.
CREATE TABLE schema.idempotency_key (
    user_id       text NOT NULL,
    key           text NOT NULL,
    fingerprint   text NOT NULL,
    task_id       uuid NOT NULL UNIQUE,
    is_anonymous  boolean NOT NULL,
    original_path text,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_key_age ON schema.idempotency_key (created_at);

CREATE TABLE schema.concept (
    id                 uuid PRIMARY KEY,
    task_id            uuid NOT NULL UNIQUE,
    user_id            text NOT NULL,
    is_anonymous       boolean NOT NULL,
    image_path         text NOT NULL,
    image_url          text NOT NULL,
    original_image_url text NOT NULL,
    refinement_prompt  text NOT NULL,
    logo_description   text,
    theme_description  text,
    color_palettes     text[] NOT NULL,
    -- What the model said of its work.
    notes              text[] NOT NULL,
    created_at         timestamptz NOT NULL
);
CREATE INDEX concept_of_user ON schema.concept (user_id, created_at DESC, id DESC);
CREATE INDEX concept_age ON schema.concept (created_at);

-- Tasks that were deleted, or whose concept was: what is left of their images may
-- go. That a task is not in this database proves nothing.
CREATE TABLE schema.forgotten_task (
    id           uuid PRIMARY KEY,
    forgotten_at timestamptz NOT NULL
);
CREATE INDEX forgotten_task_age ON schema.forgotten_task (forgotten_at);

-- Until when anonymous users have sessions who own something.
CREATE TABLE schema.session (
    user_id text PRIMARY KEY,
    until   timestamptz NOT NULL
);
CREATE INDEX session_ended ON schema.session (until);

-- The last round of deletion by age.
CREATE TABLE schema.last_round (
    id        bigint PRIMARY KEY CHECK (id = 0),
    at        timestamptz NOT NULL,
    -- In microseconds.
    probation bigint
);

-- Images of a store that cannot count, and those that are on their way there.
CREATE TABLE schema.upload_reservation (
    owner  text NOT NULL,
    kind   text NOT NULL CHECK (kind IN ('uploads', 'refined')),
    name   text NOT NULL,
    bytes  bigint NOT NULL,
    -- Who looks after it, and until when. Null: it is stored.
    holder uuid UNIQUE,
    until  timestamptz,
    -- The owner's id, if that is an anonymous user.
    anonymous_owner text,
    PRIMARY KEY (owner, kind, name),
    CHECK ((holder IS NULL) = (until IS NULL))
);
CREATE INDEX upload_reservation_held ON schema.upload_reservation (until) WHERE until IS NOT NULL;

-- What all images take, in parts that are added up: a connection counts in a part
-- of its own, so that no commit waits for another one. A part may be below zero.
CREATE TABLE schema.upload_total (
    part     bigint PRIMARY KEY,
    -- In bytes, as is the next.
    stored   bigint NOT NULL,
    in_doubt bigint NOT NULL,
    doubtful bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO schema.upload_total (part, stored, in_doubt, doubtful)
    SELECT part, 0, 0, 0 FROM generate_series(0, 63) AS part;

CREATE FUNCTION schema.count_upload_reservation () RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A reservation that is extended changes nothing of it.
    IF TG_OP = 'UPDATE' AND OLD.bytes = NEW.bytes
        AND (OLD.until IS NULL) = (NEW.until IS NULL) THEN
        RETURN NULL;
    END IF;
    -- OLD is null for what is inserted, NEW for what is deleted.
    UPDATE schema.upload_total AS total SET
        stored = total.stored + coalesce(CASE WHEN NEW.until IS NULL THEN NEW.bytes END, 0)
            - coalesce(CASE WHEN OLD.until IS NULL THEN OLD.bytes END, 0),
        in_doubt = total.in_doubt + coalesce(CASE WHEN NEW.until IS NOT NULL THEN NEW.bytes END, 0)
            - coalesce(CASE WHEN OLD.until IS NOT NULL THEN OLD.bytes END, 0),
        doubtful = total.doubtful + (NEW.until IS NOT NULL)::int - (OLD.until IS NOT NULL)::int
    WHERE part = pg_backend_pid() % 64;
    RETURN NULL;
END $$;
CREATE TRIGGER upload_reservation_counted AFTER INSERT OR UPDATE OR DELETE ON schema.upload_reservation
    FOR EACH ROW EXECUTE FUNCTION schema.count_upload_reservation ();

-- Where a move to these tables has begun from that has not ended: until then they hold a
-- part only.
CREATE TABLE schema.unfinished_move (
    id     bigint PRIMARY KEY CHECK (id = 0),
    source text NOT NULL
);

-- Since when an operator has paused the queue; no row: it is not paused.
CREATE TABLE schema.queue_pause (
    id    bigint PRIMARY KEY CHECK (id = 0),
    since timestamptz NOT NULL
);

-- Who did what, and why.
CREATE TABLE schema.audit_entry (
    number bigserial PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text NOT NULL,
    action text NOT NULL,
    -- A task's id, a filter in JSON, or `queue`.
    target text NOT NULL,
    reason text NOT NULL,
    -- To how many tasks.
    count  bigint NOT NULL
);
CREATE INDEX audit_entry_age ON schema.audit_entry (at);

-- Acts on all tasks that a filter matches.
CREATE TABLE schema.job (
    id              uuid PRIMARY KEY,
    action          text NOT NULL,
    -- In JSON.
    filter          text NOT NULL,
    created_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    total           bigint NOT NULL,
    done            bigint NOT NULL,
    failed          bigint NOT NULL,
    -- The task that was looked at last.
    task_created_at timestamptz,
    task_id         uuid
);

-- What one host at a time does.
CREATE TABLE schema.duty (
    name   text PRIMARY KEY,
    holder text NOT NULL,
    until  timestamptz NOT NULL
);

-- What all hosts sign with.
CREATE TABLE schema.secret (
    id     bigint PRIMARY KEY CHECK (id = 0),
    secret bytea NOT NULL
);

-- Is written to learn whether the database can be.
CREATE TABLE schema.probe (
    id bigint PRIMARY KEY CHECK (id = 0),
    at timestamptz NOT NULL
);
INSERT INTO schema.probe VALUES (0, now());
