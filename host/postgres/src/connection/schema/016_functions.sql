-- The statements of each submission, claim and end of a task. As functions their
-- plans are kept by the server, whoever a pooler hands the connection to, and take
-- a third of the time. They decide nothing: what is right to write was decided by
-- the domain's rules.

CREATE FUNCTION schema.find_task (uuid) RETURNS SETOF schema.task
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT * FROM schema.task WHERE id = $1;
END $$;

-- The user's task that is pending or processing.
CREATE FUNCTION schema.active_task (text) RETURNS SETOF schema.task
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT * FROM schema.task WHERE user_id = $1 AND completed_at IS NULL;
END $$;

-- User, task, key and the user's pseudonym: what a submission is judged by, besides the
-- active task.
CREATE FUNCTION schema.find_account (text, uuid, text, text)
RETURNS TABLE (usage text, revision bigint, is_taken boolean, fingerprint text,
    key_task_id uuid, key_is_anonymous boolean, key_original_path text,
    key_created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT account.usage, account.revision,
        EXISTS (SELECT FROM schema.task WHERE id = $2),
        key.fingerprint, key.task_id, key.is_anonymous, key.original_path, key.created_at
    FROM (VALUES (1)) AS one
    LEFT JOIN schema.account ON account.pseudonym = $4
    LEFT JOIN schema.idempotency_key AS key ON key.user_id = $1 AND key.key = $3;
END $$;

-- False: the account is not as it was read, and nothing was written.
CREATE FUNCTION schema.insert_task (
    uuid, text, boolean, text, text, text, text, text, timestamptz,
    -- When it is due. The queue delivers it at once.
    timestamptz,
    -- The delivery of its webhook, who gets it, and from when on.
    text, text, timestamptz,
    -- The counts, when they end, and the account's revision as it was read.
    text, timestamptz, bigint,
    -- The idempotency key, if there is one, and the fingerprint.
    text, text,
    -- The beginning of its story, and the user's pseudonym.
    text, text,
    -- The place of its request in a trace.
    text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO schema.account (pseudonym, usage, ends_at, revision)
    VALUES ($20, $14, $15, $16 + 1)
    ON CONFLICT (pseudonym) DO UPDATE SET usage = excluded.usage, ends_at = excluded.ends_at,
        revision = excluded.revision
    WHERE account.revision = $16;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF $17 IS NOT NULL THEN
        -- Replaces an expired key that was not removed yet.
        INSERT INTO schema.idempotency_key
            (user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at)
        VALUES ($2, $17, $18, $1, $3, $8, $9)
        ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
            task_id = excluded.task_id, is_anonymous = excluded.is_anonymous,
            original_path = excluded.original_path, created_at = excluded.created_at;
    END IF;
    INSERT INTO schema.task (id, user_id, is_anonymous, status, original_image_url,
        refinement_prompt, logo_description, theme_description, original_path, created_at,
        due_at, deliver_at, delivery, receiver, delivery_due_at, steps, trace)
    VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $9, $11, $12, $13, $19, $21);
    RETURN true;
END $$;

-- Whether the queue is paused. Locks the table in a mode of which any number of claims
-- may hold one, and without a write, for the rest of the transaction. Whoever has paused
-- the queue waits for these locks before it answers, so a claim either is committed by
-- then, or looks here later than the pause was committed.
CREATE FUNCTION schema.is_paused () RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM schema.queue_pause FOR KEY SHARE;
    RETURN FOUND;
END $$;

-- False: the task is not as it was read, or nothing may be claimed, and nothing was
-- written.
CREATE FUNCTION schema.swap_task (
    uuid, text, timestamptz, timestamptz, uuid, text, text, timestamptz, bigint, bigint, bigint,
    timestamptz,
    -- The revision and the end of the lease as they were read.
    bigint, timestamptz,
    -- What may have to be paid for, as it was read.
    text,
    -- The lease, what may have to be paid for, and the whole story.
    bigint, text, text,
    -- Whether it is a claim, which is not made while the queue is paused.
    boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF $19 AND schema.is_paused () THEN
        RETURN false;
    END IF;
    UPDATE schema.task SET status = $2, updated_at = $3, completed_at = $4, result_id = $5,
        image_path = $6, error_message = $7, lease_until = $8, attempt = $9, deaths = $10,
        revision = $11, due_at = $12, deliver_at = $12, lease = $16,
        payment = $17, steps = $18
    WHERE id = $1 AND revision = $13 AND lease_until IS NOT DISTINCT FROM $14
        AND payment IS NOT DISTINCT FROM $15;
    RETURN FOUND;
END $$;

-- The same where the account of the task's user changes with it.
CREATE FUNCTION schema.swap_task_and_account (
    uuid, text, timestamptz, timestamptz, uuid, text, text, timestamptz, bigint, bigint, bigint,
    timestamptz, bigint, timestamptz, text, bigint, text, text, boolean,
    -- The pseudonym of the account, the counts, and its revision as it was read; null: there
    -- is none.
    text, text, bigint,
    -- Whether the task's idempotency key is forgotten.
    boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- The account before the task, as in a submission.
    PERFORM FROM schema.account WHERE pseudonym = $20 FOR NO KEY UPDATE;
    IF $22 IS DISTINCT FROM (SELECT revision FROM schema.account WHERE pseudonym = $20) THEN
        RETURN false;
    END IF;
    IF NOT schema.swap_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
        $15, $16, $17, $18, $19) THEN
        RETURN false;
    END IF;
    UPDATE schema.account SET usage = $21, revision = revision + 1 WHERE pseudonym = $20;
    IF $23 THEN
        DELETE FROM schema.idempotency_key WHERE task_id = $1;
    END IF;
    RETURN true;
END $$;

-- The same with the task's concept.
CREATE FUNCTION schema.finish_task (
    uuid, text, timestamptz, timestamptz, uuid, text, text, timestamptz, bigint, bigint, bigint,
    timestamptz, bigint, timestamptz, text,
    -- The whole story of the task.
    text,
    -- Of the concept: whose it is, whether they are anonymous, the addresses of the
    -- image and the original, what was asked for, the palettes, the notes, and when.
    text, boolean, text, text, text, text, text, text[], text[], timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT schema.swap_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
        $15, NULL, NULL, $16, false) THEN
        RETURN false;
    END IF;
    INSERT INTO schema.concept (id, task_id, user_id, is_anonymous, image_path, image_url,
        original_image_url, refinement_prompt, logo_description, theme_description,
        color_palettes, notes, created_at)
    VALUES ($5, $1, $17, $18, $6, $19, $20, $21, $22, $23, $24, $25, $26);
    RETURN true;
END $$;

-- Tasks that nobody works on and whose time has come, at most so many, for whoever
-- claims them in this transaction. Rows that another host is writing are passed over.
CREATE FUNCTION schema.due_tasks (timestamptz, bigint) RETURNS SETOF schema.task
LANGUAGE plpgsql AS $$
BEGIN
    IF schema.is_paused () THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM schema.task WHERE completed_at IS NULL AND deliver_at <= $1
        ORDER BY deliver_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED;
END $$;
