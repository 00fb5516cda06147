-- What each user spent with each link of the model in each hour, of the tasks that were
-- submitted in it. Amounts are in micro-dollars; a sum is changed, never computed anew.
CREATE TABLE ledger (
    pseudonym     TEXT NOT NULL,
    -- The beginning of the hour.
    starts_at     INTEGER NOT NULL,
    model         TEXT NOT NULL,
    -- Null: the user was erased.
    user_id       TEXT,
    spent         INTEGER NOT NULL,
    reserved      INTEGER NOT NULL,
    unknown_calls INTEGER NOT NULL,
    PRIMARY KEY (pseudonym, starts_at, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_age ON ledger (starts_at);
