-- Version 19: tasks may have deadlines, and the queue serves the user first who was served
-- longest ago. Breaking: hosts of version 0.1 cannot use these tables.

-- When tasks have to have begun: a row for each that was submitted with a deadline, until that
-- has passed.
CREATE TABLE schema.deadline (
    task_id uuid PRIMARY KEY,
    at      timestamptz NOT NULL
);
CREATE INDEX deadline_order ON schema.deadline (at);

-- When a task of each user was claimed last, for as long as that decides whose is next. Few
-- columns and no other index, so that a claim writes one row version within its page.
CREATE TABLE schema.last_claim (
    user_id    text PRIMARY KEY,
    claimed_at timestamptz NOT NULL
) WITH (fillfactor = 70);
