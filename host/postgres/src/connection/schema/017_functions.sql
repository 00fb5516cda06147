-- The statements of each submission, claim and end of a task. As functions their plans are
-- kept by the server, whichever connection a pooler uses, and take a third of the time. They
-- decide nothing: that is done by the domain's rules. `is_paused` is in 016_functions.sql.

CREATE FUNCTION schema.find_task (uuid) RETURNS SETOF schema.task
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT * FROM schema.task WHERE id = $1;
END $$;

-- The first of the user's tasks that are pending or processing.
CREATE FUNCTION schema.oldest_active_task (text) RETURNS SETOF schema.task
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT * FROM schema.task WHERE user_id = $1 AND completed_at IS NULL
        ORDER BY created_at, id LIMIT 1;
END $$;

-- What a submission is checked against, besides the user's oldest active task. The parameters
-- are the user, the task, the idempotency key and the user's pseudonym.
CREATE FUNCTION schema.find_account (text, uuid, text, text)
RETURNS TABLE (usage text, revision bigint, active_tasks bigint, is_taken boolean,
    fingerprint text, key_task_id uuid, key_is_anonymous boolean, key_original_path text,
    key_created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT account.usage, account.revision,
        (SELECT count(*) FROM schema.task WHERE user_id = $1 AND completed_at IS NULL),
        EXISTS (SELECT FROM schema.task WHERE id = $2),
        key.fingerprint, key.task_id, key.is_anonymous, key.original_path, key.created_at
    FROM (VALUES (1)) AS one
    LEFT JOIN schema.account ON account.pseudonym = $4
    LEFT JOIN schema.idempotency_key AS key ON key.user_id = $1 AND key.key = $3;
END $$;

CREATE FUNCTION schema.insert_task (
    -- Its id and user, whether the user is anonymous, the path of its original, and the time.
    uuid, text, boolean, text, timestamptz,
    -- When it is due. The queue delivers it at once.
    timestamptz,
    -- Who receives its webhook, and when that is due.
    text, timestamptz,
    -- Its documents: the request and the state.
    text, text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO schema.task (id, user_id, is_anonymous, original_path, created_at, status, due_at,
        deliver_at, receiver, delivery_due_at, request, state)
    VALUES ($1, $2, $3, $4, $5, 'pending', $6, $5, $7, $8, $9, $10);
END $$;

-- False: the account has changed since it was read, and nothing was written.
CREATE FUNCTION schema.submit_task (
    -- The task, as above.
    uuid, text, boolean, text, timestamptz, timestamptz, text, timestamptz, text, text,
    -- The account: its pseudonym, the counts, when they end, and its revision as it was read.
    text, text, timestamptz, bigint,
    -- The idempotency key and the fingerprint, if there are any.
    text, text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO schema.account (pseudonym, usage, ends_at, revision)
    VALUES ($11, $12, $13, $14 + 1)
    ON CONFLICT (pseudonym) DO UPDATE SET usage = excluded.usage, ends_at = excluded.ends_at,
        revision = excluded.revision
    WHERE account.revision = $14;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF $15 IS NOT NULL THEN
        -- Replaces an expired key that was not removed yet.
        INSERT INTO schema.idempotency_key
            (user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at)
        VALUES ($2, $15, $16, $1, $3, $4, $5)
        ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
            task_id = excluded.task_id, is_anonymous = excluded.is_anonymous,
            original_path = excluded.original_path, created_at = excluded.created_at;
    END IF;
    PERFORM schema.insert_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
    RETURN true;
END $$;

-- False: the task has changed since it was read, or claims are not allowed, and nothing was
-- written.
CREATE FUNCTION schema.swap_task (
    -- Its id, and its version as it was read.
    uuid, bigint,
    -- The columns that change, in the order of the statement.
    text, timestamptz, timestamptz, text, timestamptz, bigint, bigint, timestamptz, timestamptz,
    text,
    -- Whether it is a claim, which is not made while the queue is paused.
    boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF $13 AND schema.is_paused () THEN
        RETURN false;
    END IF;
    UPDATE schema.task SET version = version + 1, status = $3, updated_at = $4, completed_at = $5,
        image_path = $6, lease_until = $7, lease = $8, revision = $9, due_at = $10,
        deliver_at = $10, delivery_due_at = $11, state = $12
    WHERE id = $1 AND version = $2;
    RETURN FOUND;
END $$;

-- The same where the account of the task's user changes with it.
CREATE FUNCTION schema.swap_task_and_account (
    uuid, bigint, text, timestamptz, timestamptz, text, timestamptz, bigint, bigint, timestamptz,
    timestamptz, text, boolean,
    -- The account's pseudonym, the counts, and its revision as it was read (null: there is no
    -- account).
    text, text, bigint,
    -- Whether the task's idempotency key is forgotten.
    boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- The account before the task, as in a submission.
    PERFORM FROM schema.account WHERE pseudonym = $14 FOR NO KEY UPDATE;
    IF $16 IS DISTINCT FROM (SELECT revision FROM schema.account WHERE pseudonym = $14) THEN
        RETURN false;
    END IF;
    IF NOT schema.swap_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) THEN
        RETURN false;
    END IF;
    UPDATE schema.account SET usage = $15, revision = revision + 1 WHERE pseudonym = $14;
    IF $17 THEN
        DELETE FROM schema.idempotency_key WHERE task_id = $1;
    END IF;
    RETURN true;
END $$;

-- The same where the task gets a concept: its id, the hash of its image, the concept that it
-- was refined from, and its document.
CREATE FUNCTION schema.finish_task (
    uuid, bigint, text, timestamptz, timestamptz, text, timestamptz, bigint, bigint, timestamptz,
    timestamptz, text, boolean, uuid, text, uuid, text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT schema.swap_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) THEN
        RETURN false;
    END IF;
    INSERT INTO schema.concept
        (id, task_id, user_id, is_anonymous, image_path, image_sha256, parent_id, created_at,
            content)
    SELECT $14, id, user_id, is_anonymous, image_path, $15, $16, completed_at, $17
    FROM schema.task WHERE id = $1;
    RETURN true;
END $$;

-- The tasks that nobody works on and that are due for delivery, at most so many, for a host
-- that claims them in this transaction. Rows that another host is writing are skipped.
CREATE FUNCTION schema.due_tasks (timestamptz, bigint) RETURNS SETOF schema.task
LANGUAGE plpgsql AS $$
BEGIN
    IF schema.is_paused () THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM schema.task WHERE completed_at IS NULL AND deliver_at <= $1
        ORDER BY deliver_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED;
END $$;

-- Adds up the images of `upload_reservation`.
CREATE OR REPLACE FUNCTION schema.count_upload_reservation () RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- A reservation that is extended does not change the sums.
    IF TG_OP = 'UPDATE' AND OLD.bytes = NEW.bytes
        AND (OLD.until IS NULL) = (NEW.until IS NULL) THEN
        RETURN NULL;
    END IF;
    -- OLD is null for an insertion, NEW for a deletion.
    UPDATE schema.upload_total AS total SET
        stored = total.stored + coalesce(CASE WHEN NEW.until IS NULL THEN NEW.bytes END, 0)
            - coalesce(CASE WHEN OLD.until IS NULL THEN OLD.bytes END, 0),
        pending = total.pending + coalesce(CASE WHEN NEW.until IS NOT NULL THEN NEW.bytes END, 0)
            - coalesce(CASE WHEN OLD.until IS NOT NULL THEN OLD.bytes END, 0),
        pending_count = total.pending_count + (NEW.until IS NOT NULL)::int
            - (OLD.until IS NOT NULL)::int
    WHERE part = pg_backend_pid() % 64;
    RETURN NULL;
END $$;
