//! The schema and its migrations.
//!
//! Hosts of two releases share it while releases roll, forward or back. So each
//! migration says whether an older release can go on with it, and a release
//! works on any newer schema that does not break it.

use std::time::Duration;

use futures::TryFutureExt as _;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::database::{Database, SCAN_DEADLINE, Session};
use super::fault::Fault;
use super::values::Parameter;

/// How long to wait for the tables: whoever waits for a lock keeps all others
/// from the table meanwhile.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '3s'";

/// How long a migration may take where nobody waits for a start.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 60);

/// How often it is tried, and the time in between.
const TRIES: u32 = 4;
const RETRY: Duration = Duration::from_secs(1);

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema.schema_version (
    version    bigint PRIMARY KEY,
    -- Whether releases that do not know it cannot go on.
    breaking   boolean NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// A step from one version to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Whether releases that do not know it cannot go on.
    pub breaking: bool,
    /// Its statements, in which `schema.` stands for the schema.
    pub sql: &'static str,
}

/// What a migration did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version before. 0: there were no tables.
    pub from: usize,
    /// Those that were missing, the next one first.
    pub steps: Vec<Migration>,
}

impl Migrated {
    /// For the operator, in a sentence.
    pub fn summary(&self, is_dry_run: bool) -> String {
        let Self { from, steps } = self;
        if steps.is_empty() {
            return format!("The tables are of version {from}, the newest: nothing is to be done.");
        }
        let to = from + steps.len();
        let done = match (*from, is_dry_run) {
            (0, true) => format!("The tables would be created, of version {to}."),
            (0, false) => format!("The tables were created, of version {to}."),
            (_, true) => format!("The tables would be migrated from version {from} to {to}."),
            (_, false) => format!("The tables were migrated from version {from} to {to}."),
        };
        let breaks = *from > 0 && steps.iter().any(|step| step.breaking);
        match breaks {
            true => format!("{done} Hosts of the older release cannot go on with them."),
            false => done,
        }
    }
}

/// Each entry migrates to the next version. Released entries are never edited; a
/// change is a new entry.
const MIGRATIONS: &[Migration] = &[
    Migration {
        breaking: true,
        sql: concat!(
            r"
CREATE TABLE schema.account (
    user_id  text PRIMARY KEY,
    -- How many tasks the user created in each calendar window. Apart from the
    -- tasks, so that deleting one gives nothing back.
    usage    jsonb NOT NULL,
    -- When none of the counts matters any longer.
    ends_at  timestamptz NOT NULL,
    -- What a submission compares and swaps.
    revision bigint NOT NULL
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
    -- How often it was claimed: the fencing token.
    attempt            bigint NOT NULL DEFAULT 0,
    -- How often a lease ran out.
    deaths             bigint NOT NULL DEFAULT 0,
    -- How often its status changed; what a change compares and swaps.
    revision           bigint NOT NULL DEFAULT 0,
    -- When it needs a (new) message, while it is pending or processing.
    due_at             timestamptz,
    -- When the queue inside this store delivers it next, likewise.
    deliver_at         timestamptz,
    -- One condition: each costs something with each write.
    CHECK (CASE status
        WHEN 'pending' THEN completed_at IS NULL AND due_at IS NOT NULL
            AND deliver_at IS NOT NULL AND lease_until IS NULL
        WHEN 'processing' THEN completed_at IS NULL AND due_at IS NOT NULL
            AND deliver_at IS NOT NULL AND lease_until IS NOT NULL
        WHEN 'completed' THEN completed_at IS NOT NULL AND due_at IS NULL
            AND deliver_at IS NULL AND lease_until IS NULL
        WHEN 'failed' THEN completed_at IS NOT NULL AND due_at IS NULL
            AND deliver_at IS NULL AND lease_until IS NULL
        ELSE false END)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);

-- One active task a user, whatever else goes wrong.
CREATE UNIQUE INDEX task_active ON schema.task (user_id) WHERE completed_at IS NULL;
CREATE INDEX task_of_user ON schema.task (user_id, created_at DESC, id DESC);
CREATE INDEX task_failed ON schema.task (user_id, created_at DESC, id DESC) WHERE status = 'failed';
CREATE INDEX task_due ON schema.task (due_at) WHERE completed_at IS NULL;
CREATE INDEX task_deliver ON schema.task (deliver_at) WHERE completed_at IS NULL;
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
CREATE TABLE schema.upload_place (
    id    uuid PRIMARY KEY,
    kind  text NOT NULL CHECK (kind IN ('uploads', 'refined')),
    owner text NOT NULL,
    name  text NOT NULL,
    bytes bigint NOT NULL,
    since timestamptz NOT NULL,
    -- Until when a host looks after it. Null: it is stored.
    until timestamptz
);
CREATE UNIQUE INDEX upload_place_stored ON schema.upload_place (owner, kind, name)
    WHERE until IS NULL;
CREATE INDEX upload_place_of_owner ON schema.upload_place (owner, kind);
CREATE INDEX upload_place_in_doubt ON schema.upload_place (until) WHERE until IS NOT NULL;

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
",
            include_str!("functions.sql")
        ),
    },
    Migration {
        breaking: false,
        sql: r"
-- The delivery of a task's webhook, in JSON, and who gets it. It is due from that
-- time on, once the task has ended, whichever release ends it; null: it has ended
-- too, or there is none.
ALTER TABLE schema.task ADD COLUMN delivery text, ADD COLUMN receiver text,
    ADD COLUMN delivery_due_at timestamptz;
CREATE INDEX task_delivery ON schema.task (delivery_due_at, completed_at) INCLUDE (receiver)
    WHERE completed_at IS NOT NULL AND delivery_due_at IS NOT NULL;

-- As insert_task_1, with a delivery, who gets it, and from when on.
CREATE FUNCTION schema.insert_task_2 (
    uuid, text, boolean, text, text, text, text, text, text, timestamptz, timestamptz,
    text, timestamptz, bigint, text, text, timestamptz, text, text, timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT schema.insert_task_1 ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
        $15, $16, $17) THEN
        RETURN false;
    END IF;
    UPDATE schema.task SET delivery = $18, receiver = $19, delivery_due_at = $20 WHERE id = $1;
    RETURN true;
END $$;
",
    },
    Migration {
        breaking: false,
        sql: r"
-- What the model said of its work.
ALTER TABLE schema.concept ADD COLUMN notes text[] NOT NULL DEFAULT '{}';

-- As finish_task_1, with the notes before the time.
CREATE FUNCTION schema.finish_task_2 (
    uuid, text, timestamptz, timestamptz, uuid, text, text, timestamptz, bigint, bigint, bigint,
    timestamptz, bigint, timestamptz,
    text, boolean, text, text, text, text, text, text[], text[], timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT schema.swap_task_1 ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) THEN
        RETURN false;
    END IF;
    INSERT INTO schema.concept (id, task_id, user_id, is_anonymous, image_path, image_url,
        original_image_url, refinement_prompt, logo_description, theme_description,
        color_palettes, notes, created_at)
    VALUES ($5, $1, $15, $16, $6, $17, $18, $19, $20, $21, $22, $23, $24);
    RETURN true;
END $$;
",
    },
    Migration {
        breaking: false,
        sql: r"
-- What all images take, in parts that are added up: a connection counts in a part
-- of its own, so that no commit waits for another one. A part may be below zero.
CREATE TABLE schema.upload_total (
    part     bigint PRIMARY KEY,
    -- In bytes, as is the next.
    stored   bigint NOT NULL,
    in_doubt bigint NOT NULL,
    doubtful bigint NOT NULL
) WITH (fillfactor = 50);

-- Counts what a statement wrote, whichever release sends it.
CREATE FUNCTION schema.count_upload_places () RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT sum(bytes) FILTER (WHERE until IS NULL) AS stored,
            sum(bytes) FILTER (WHERE until IS NOT NULL) AS in_doubt, count(until) AS doubtful
            INTO change FROM added;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT -sum(bytes) FILTER (WHERE until IS NULL) AS stored,
            -sum(bytes) FILTER (WHERE until IS NOT NULL) AS in_doubt, -count(until) AS doubtful
            INTO change FROM removed;
    ELSE
        SELECT sum(bytes) FILTER (WHERE until IS NULL) AS stored,
            sum(bytes) FILTER (WHERE until IS NOT NULL) AS in_doubt,
            sum(places) FILTER (WHERE until IS NOT NULL) AS doubtful
            INTO change FROM (
            SELECT bytes, until, 1 AS places FROM added
            UNION ALL SELECT -bytes, until, -1 FROM removed
        ) AS changed;
    END IF;
    UPDATE schema.upload_total SET stored = upload_total.stored + coalesce(change.stored, 0),
        in_doubt = upload_total.in_doubt + coalesce(change.in_doubt, 0),
        doubtful = upload_total.doubtful + coalesce(change.doubtful, 0)
    WHERE part = pg_backend_pid() % 64
        AND (change.stored <> 0 OR change.in_doubt <> 0 OR change.doubtful <> 0);
    RETURN NULL;
END $$;

CREATE TRIGGER upload_place_added AFTER INSERT ON schema.upload_place
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION schema.count_upload_places ();
CREATE TRIGGER upload_place_changed AFTER UPDATE ON schema.upload_place
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION schema.count_upload_places ();
CREATE TRIGGER upload_place_removed AFTER DELETE ON schema.upload_place
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION schema.count_upload_places ();

-- The triggers keep others from the places until the end of this.
INSERT INTO schema.upload_total (part, stored, in_doubt, doubtful)
    SELECT part, 0, 0, 0 FROM generate_series(0, 63) AS part;
UPDATE schema.upload_total SET (stored, in_doubt, doubtful) = (
    SELECT coalesce(sum(bytes) FILTER (WHERE until IS NULL), 0),
        coalesce(sum(bytes) FILTER (WHERE until IS NOT NULL), 0), count(until)
    FROM schema.upload_place
) WHERE part = 0;
",
    },
    Migration {
        breaking: false,
        sql: r"
-- As insert_task_1, with all that a task can have when it is created. It may be
-- claimed already, by a worker that waited for one.
CREATE FUNCTION schema.insert_task_3 (
    uuid, text, boolean, text, text, text, text, text, text, timestamptz,
    -- When it was claimed, until when, how often that was, and the revision.
    timestamptz, timestamptz, bigint, bigint,
    -- When it is due, and when the queue delivers it.
    timestamptz, timestamptz,
    -- The delivery of its webhook, who gets it, and from when on.
    text, text, timestamptz,
    -- The counts, when they end, and the account's revision as it was read.
    text, timestamptz, bigint,
    -- The idempotency key, if there is one, and the fingerprint.
    text, text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO schema.account (user_id, usage, ends_at, revision)
    VALUES ($2, $20::jsonb, $21, $22 + 1)
    ON CONFLICT (user_id) DO UPDATE SET usage = excluded.usage, ends_at = excluded.ends_at,
        revision = excluded.revision
    WHERE account.revision = $22;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF $23 IS NOT NULL THEN
        -- Replaces an expired key that was not removed yet.
        INSERT INTO schema.idempotency_key
            (user_id, key, fingerprint, task_id, is_anonymous, original_path, created_at)
        VALUES ($2, $23, $24, $1, $3, $9, $10)
        ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
            task_id = excluded.task_id, is_anonymous = excluded.is_anonymous,
            original_path = excluded.original_path, created_at = excluded.created_at;
    END IF;
    INSERT INTO schema.task (id, user_id, is_anonymous, status, original_image_url,
        refinement_prompt, logo_description, theme_description, original_path, created_at,
        updated_at, lease_until, attempt, revision, due_at, deliver_at, delivery, receiver,
        delivery_due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19);
    RETURN true;
END $$;
",
    },
    Migration {
        breaking: false,
        sql: r"
-- Tasks that nobody works on and whose time has come, at most so many, for whoever
-- claims them in this transaction. Rows that another host is writing are passed over.
CREATE FUNCTION schema.due_tasks_1 (timestamptz, bigint) RETURNS SETOF schema.task
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT * FROM schema.task WHERE completed_at IS NULL AND deliver_at <= $1
        ORDER BY deliver_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED;
END $$;
",
    },
];

/// What a migration would do.
pub(super) async fn missing(database: &Database) -> Result<Migrated, Fault> {
    let session = database.unready_session(SCAN_DEADLINE).await?;
    let from = version(&session, database.schema()).await?;
    Ok(Migrated {
        from,
        steps: MIGRATIONS.get(from..).unwrap_or_default().to_vec(),
    })
}

/// Migrates to the newest version, in one transaction, which may take so long: it
/// reads tables of any size.
pub(super) async fn migrate(database: &Database, limit: Duration) -> Result<Migrated, Fault> {
    let missing = missing(database).await?;
    if missing.steps.is_empty() {
        return Ok(missing);
    }
    let migrated = apply(database, limit).await;
    migrated.map_err(|fault| match fault.is(&SqlState::LOCK_NOT_AVAILABLE) {
        true => Fault::Locked,
        false => fault,
    })
}

/// The same, and again for a while where others use the tables. In between these
/// others get what they wait for.
pub(super) async fn migrate_patiently(database: &Database) -> Result<Migrated, Fault> {
    for _ in 1..TRIES {
        match migrate(database, LONGEST).await {
            Err(Fault::Locked) => sleep(RETRY).await,
            other => return other,
        }
    }
    migrate(database, LONGEST).await
}

async fn apply(database: &Database, limit: Duration) -> Result<Migrated, Fault> {
    let session = database.unready_session(limit).await?;
    let lock = database.lock_key("migrate");
    session
        .begin(None)
        .and_then(|()| session.batch(LOCK_TIMEOUT))
        .await?;
    session
        .batch(&format!("SELECT pg_advisory_xact_lock({lock})"))
        .await?;
    // Another host may have done it meanwhile.
    let from = version(&session, database.schema()).await?;
    let steps = MIGRATIONS.get(from..).unwrap_or_default().to_vec();
    if !has_schema(&session, database.schema()).await? {
        session
            .batch(&format!("CREATE SCHEMA \"{}\"", database.schema()))
            .await?;
    }
    session.batch(VERSIONS).await?;
    for (step, number) in steps.iter().zip(from + 1..) {
        const APPLIED: &str =
            "INSERT INTO schema.schema_version (version, breaking) VALUES ($1, $2)";
        session.batch(step.sql).await?;
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let parameters: [Parameter<'_>; 2] = [(&number, Type::INT8), (&step.breaking, Type::BOOL)];
        session.execute(APPLIED, &parameters).await?;
    }
    session.commit().await?;
    Ok(Migrated { from, steps })
}

/// As far as it is known here.
async fn version(session: &Session<'_>, schema: &str) -> Result<usize, Fault> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
         WHERE schemaname = $1 AND tablename = 'schema_version')";
    let exists = session.query_opt(EXISTS, &[(&schema, Type::TEXT)]).await?;
    let exists = exists.map_or(Ok(false), |row| row.try_get(0))?;
    if !exists {
        return Ok(0);
    }
    check_version(session).await
}

async fn has_schema(session: &Session<'_>, schema: &str) -> Result<bool, Fault> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    let row = session.query_opt(EXISTS, &[(&schema, Type::TEXT)]).await?;
    Ok(row.map_or(Ok(false), |row| row.try_get(0))?)
}

/// The version, which no step that is unknown here may have broken.
async fn check_version(session: &Session<'_>) -> Result<usize, Fault> {
    const SQL: &str = "SELECT coalesce(max(version), 0), \
         coalesce(max(version) FILTER (WHERE breaking), 0) FROM schema.schema_version";
    let Some(row) = session.query_opt(SQL, &[]).await? else {
        return Ok(0);
    };
    let (version, breaking): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let is_known = |version| usize::try_from(version).is_ok_and(|it| it <= MIGRATIONS.len());
    if !is_known(breaking) {
        return Err(Fault::Newer);
    }
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Whether the database can be written to, and this release can go on with it.
pub(super) async fn check(session: &Session<'_>) -> Result<(), Fault> {
    const WRITE: &str = "UPDATE schema.probe SET at = now() WHERE id = 0";
    let written = session.execute(WRITE, &[]);
    futures::try_join!(written, check_version(session))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_tables_of_the_schema_is_named() {
        for migration in MIGRATIONS {
            for line in migration.sql.lines() {
                for word in ["CREATE TABLE ", "CREATE FUNCTION ", "INSERT INTO ", "JOIN "] {
                    if let Some((_, name)) = line.split_once(word) {
                        assert!(name.starts_with("schema."), "{line}");
                    }
                }
                let is_index = line.starts_with("CREATE") && line.contains(" INDEX ");
                assert!(!is_index || line.contains(" ON schema."), "{line}");
            }
        }
    }
}
