-- As before, with what a deadline and the order of claims need besides.

-- A task that was submitted with a deadline: the parameters of `submit_task`, and the deadline.
CREATE FUNCTION schema.submit_task_with_deadline (
    uuid, text, boolean, text, timestamptz, timestamptz, text, timestamptz, text, text, text, text,
    timestamptz, bigint, text, text, timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT schema.submit_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
        $16) THEN
        RETURN false;
    END IF;
    INSERT INTO schema.deadline (task_id, at) VALUES ($1, $17)
    ON CONFLICT (task_id) DO UPDATE SET at = excluded.at;
    RETURN true;
END $$;

-- The parameters are those of version 17. A claim is noted for its user, too.
CREATE OR REPLACE FUNCTION schema.swap_task (
    uuid, bigint, text, timestamptz, timestamptz, text, timestamptz, bigint, bigint, timestamptz,
    timestamptz, text, boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    of_user text;
BEGIN
    IF $13 AND schema.is_paused () THEN
        RETURN false;
    END IF;
    UPDATE schema.task SET version = version + 1, status = $3, updated_at = $4, completed_at = $5,
        image_path = $6, lease_until = $7, lease = $8, revision = $9, due_at = $10,
        deliver_at = $10, delivery_due_at = $11, state = $12
    WHERE id = $1 AND version = $2 RETURNING user_id INTO of_user;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF $13 AND $3 = 'processing' THEN
        INSERT INTO schema.last_claim (user_id, claimed_at) VALUES (of_user, $4)
        ON CONFLICT (user_id) DO UPDATE SET claimed_at = excluded.claimed_at;
    END IF;
    RETURN true;
END $$;

-- The ids of tasks in the order in which they are claimed: of those that are due for delivery at
-- a time, or, if that is null, of those that are pending. Claims count from the other time on.
-- In each round every user who waits has one claimed, so users keep their order from the first
-- round on.
CREATE FUNCTION schema.claim_order (timestamptz, timestamptz) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT waiting.id FROM (
        SELECT task.id, task.user_id, first_value(task.created_at) OVER of_user AS since,
            row_number() OVER of_user AS round
        FROM schema.task WHERE task.completed_at IS NULL
            AND CASE WHEN $1 IS NULL THEN task.status = 'pending' ELSE task.deliver_at <= $1 END
        WINDOW of_user AS (
            PARTITION BY task.user_id COLLATE "C" ORDER BY task.created_at, task.id
        )
    ) AS waiting
    LEFT JOIN schema.last_claim AS last ON last.user_id = waiting.user_id
    ORDER BY waiting.round, greatest(last.claimed_at, $2), waiting.since,
        waiting.user_id COLLATE "C";
END $$;

-- The tasks that nobody works on and that are due for delivery, at most so many, for a host
-- that claims them in this transaction. Rows that another host is writing are skipped. The last
-- parameter is the time since when claims count.
DROP FUNCTION schema.due_tasks;
CREATE FUNCTION schema.due_tasks (timestamptz, bigint, timestamptz) RETURNS SETOF schema.task
LANGUAGE plpgsql AS $$
DECLARE
    next_id uuid;
    locked schema.task;
    missing bigint := $2;
BEGIN
    IF schema.is_paused () THEN
        RETURN;
    END IF;
    FOR next_id IN SELECT schema.claim_order ($1, $3) LOOP
        SELECT * INTO locked FROM schema.task
        WHERE id = next_id AND completed_at IS NULL AND deliver_at <= $1
        FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            RETURN NEXT locked;
            missing := missing - 1;
            EXIT WHEN missing <= 0;
        END IF;
    END LOOP;
END $$;
