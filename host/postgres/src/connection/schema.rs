//! The schema that hosts share: created if it does not exist. A schema of another version
//! is not changed, and the database is refused.

use std::time::Duration;

use crate::connection::database::{DEADLINE, Database, Session};
use crate::connection::fault::Fault;
use crate::connection::values::parameters;

/// Has to change with [`TABLES`] and [`FUNCTIONS`].
const VERSION: i64 = 16;

/// The statements that create it; `schema.` is replaced by the schema's name.
const TABLES: &str = include_str!("schema.sql");
const FUNCTIONS: &str = include_str!("functions.sql");

/// Timeout for the creation, including the wait for another host that is creating it.
const CREATION: Duration = Duration::from_secs(5 * 60);

/// The state of the schema in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    ThisVersion,
}

pub(crate) async fn find(database: &Database) -> Result<Found, Fault> {
    let session = database.unready_session(DEADLINE).await?;
    find_in(&session, database.schema()).await
}

/// Creates missing parts, in one transaction. Hosts that start together take turns, and
/// the later ones find it done.
pub(crate) async fn create(database: &Database) -> Result<(), Fault> {
    if find(database).await? == Found::ThisVersion {
        return Ok(());
    }
    let session = database.unready_session(CREATION).await?;
    // Overrides the database's own timeouts, and limits how long a host that hangs here
    // blocks others.
    session
        .begin_with(
            "SET LOCAL statement_timeout = 0; \
             SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '30s'",
        )
        .await?;
    let lock = database.lock_key("schema");
    session
        .batch(&format!("SELECT pg_advisory_xact_lock({lock})"))
        .await?;
    if find_in(&session, database.schema()).await? == Found::Nothing {
        const MARK: &str = "INSERT INTO schema.schema_version (version) VALUES ($1)";
        if !has_schema(&session, database.schema()).await? {
            session
                .batch(&format!("CREATE SCHEMA \"{}\"", database.schema()))
                .await?;
        }
        session.batch(TABLES).await?;
        session.batch(FUNCTIONS).await?;
        session.execute(MARK, &parameters![VERSION]).await?;
    }
    session.commit().await
}

async fn find_in(session: &Session<'_>, schema: &str) -> Result<Found, Fault> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
         WHERE schemaname = $1 AND tablename = 'schema_version')";
    match session.ask(EXISTS, &parameters![schema]).await? {
        true => check_version(session).await.map(|()| Found::ThisVersion),
        false => Ok(Found::Nothing),
    }
}

/// A user without the right to create schemas may still use an existing one, but
/// `CREATE SCHEMA IF NOT EXISTS` would fail.
async fn has_schema(session: &Session<'_>, schema: &str) -> Result<bool, Fault> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    session.ask(EXISTS, &parameters![schema]).await
}

async fn check_version(session: &Session<'_>) -> Result<(), Fault> {
    const SQL: &str = "SELECT coalesce(max(version) = $1, false) FROM schema.schema_version";
    match session.ask(SQL, &parameters![VERSION]).await? {
        true => Ok(()),
        false => Err(Fault::OtherVersion),
    }
}

/// Whether the database is writable, and its tables still have this version.
pub(crate) async fn check(session: &Session<'_>) -> Result<(), Fault> {
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
        for line in TABLES.lines().chain(FUNCTIONS.lines()) {
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
