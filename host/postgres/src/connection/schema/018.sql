-- Version 18: what each user spent with each link of the model in each hour, of the tasks that
-- were submitted in it. Amounts are in micro-dollars; a sum is changed, never computed anew.

CREATE TABLE schema.ledger (
    pseudonym     text NOT NULL,
    -- The beginning of the hour.
    starts_at     timestamptz NOT NULL,
    model         text NOT NULL,
    -- Null: the user was erased.
    user_id       text,
    spent         bigint NOT NULL,
    reserved      bigint NOT NULL,
    unknown_calls bigint NOT NULL,
    PRIMARY KEY (pseudonym, starts_at, model)
) WITH (fillfactor = 70);
CREATE INDEX ledger_age ON schema.ledger (starts_at);

-- The sums of a user between two times.
CREATE FUNCTION schema.spending (text, timestamptz, timestamptz)
RETURNS TABLE (spent bigint, reserved bigint, unknown_calls bigint)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT coalesce(sum(spent), 0)::bigint, coalesce(sum(reserved), 0)::bigint,
        coalesce(sum(unknown_calls), 0)::bigint
    FROM schema.ledger WHERE pseudonym = $1 AND starts_at >= $2 AND starts_at < $3;
END $$;

-- Changes a user's sums, if what they belong to was written. Returns whether it was.
CREATE FUNCTION schema.book (
    -- Whether it was.
    boolean,
    -- The pseudonym, the user and the beginning of the hour.
    text, text, timestamptz,
    -- The links and their changes, in the same order.
    text[], bigint[], bigint[], bigint[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF $1 THEN
        INSERT INTO schema.ledger AS sums
            (pseudonym, user_id, starts_at, model, spent, reserved, unknown_calls)
        SELECT $2, $3, $4, change.* FROM unnest($5, $6, $7, $8) AS change
        ON CONFLICT (pseudonym, starts_at, model) DO UPDATE SET user_id = excluded.user_id,
            spent = sums.spent + excluded.spent, reserved = sums.reserved + excluded.reserved,
            unknown_calls = sums.unknown_calls + excluded.unknown_calls;
    END IF;
    RETURN $1;
END $$;
