-- When tasks have to have begun: a row for each that was submitted with a deadline, until that
-- has passed.
CREATE TABLE deadline (
    task_id TEXT PRIMARY KEY,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deadline_order ON deadline (at);

-- When a task of each user was claimed last, for as long as that decides whose is next.
CREATE TABLE last_claim (
    user_id    TEXT PRIMARY KEY,
    claimed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX last_claim_age ON last_claim (claimed_at);
