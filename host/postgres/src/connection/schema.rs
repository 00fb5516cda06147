//! The schema that hosts share, and its migrations: the first host that starts creates it, or
//! changes that of an earlier version.

mod rewrite;

use std::time::Duration;

use concept_refinement_capability::migration::{Migration, Step, VersionError, due};
use concept_refinement_capability::upgrade::FROM_0_1;

use crate::connection::database::{DEADLINE, Database, Session};
use crate::connection::fault::Fault;
use crate::connection::values::parameters;

/// In their statements `schema.` is replaced by the schema's name. All of them are breaking so
/// far: hosts of an earlier version refuse the tables.
static MIGRATIONS: [Migration; 4] = [
    // The schema of 0.1.0, in an empty database.
    Migration {
        version: 16,
        steps: &[
            Step::Sql(include_str!("schema/016.sql")),
            Step::Sql(include_str!("schema/016_functions.sql")),
        ],
    },
    Migration {
        version: 17,
        steps: &[
            Step::Sql(include_str!("schema/017.sql")),
            Step::Rewrite(&FROM_0_1),
            Step::Sql(include_str!("schema/017_indexes.sql")),
            Step::Sql(include_str!("schema/017_functions.sql")),
        ],
    },
    Migration {
        version: 18,
        steps: &[Step::Sql(include_str!("schema/018.sql"))],
    },
    Migration {
        version: 19,
        steps: &[
            Step::Sql(include_str!("schema/019.sql")),
            Step::Sql(include_str!("schema/019_functions.sql")),
        ],
    },
];

/// Timeout for the creation of the tables, including the wait for another host that creates
/// them.
const CREATION: Duration = Duration::from_secs(5 * 60);

/// The same for an upgrade, which may have many rows to rewrite.
const UPGRADE: Duration = Duration::from_secs(24 * 60 * 60);

/// The state of the schema in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Earlier,
    Current,
}

pub(crate) async fn find(database: &Database) -> Result<Found, Fault> {
    let session = database.unready_session(DEADLINE).await?;
    let found = version(&session, &database.settings.schema).await?;
    Ok(match due(&MIGRATIONS, found)? {
        [] => Found::Current,
        _ if found.is_none() => Found::Nothing,
        _ => Found::Earlier,
    })
}

/// Whether the user has the rights to create the tables, and the schema if there is none.
pub(crate) async fn may_create(database: &Database) -> Result<bool, Fault> {
    const SQL: &str = "SELECT coalesce( \
             (SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') \
                 FROM pg_catalog.pg_namespace WHERE nspname = $1), \
             has_database_privilege(current_database(), 'CREATE'))";
    let session = database.unready_session(DEADLINE).await?;
    let parameters = parameters![database.settings.schema];
    session.ask(SQL, &parameters).await
}

/// Whether the user has the rights to upgrade the tables, which only their owner may change.
pub(crate) async fn may_upgrade(database: &Database) -> Result<bool, Fault> {
    const SQL: &str = "SELECT NOT EXISTS (SELECT FROM ( \
             SELECT relname AS name, relowner AS owner, relnamespace AS place \
                 FROM pg_catalog.pg_class \
             UNION ALL SELECT proname, proowner, pronamespace FROM pg_catalog.pg_proc) AS made \
         WHERE place = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) \
             AND name::text = ANY ($2) AND NOT pg_has_role(owner, 'USAGE'))";
    if !may_create(database).await? {
        return Ok(false);
    }
    let session = database.unready_session(DEADLINE).await?;
    let names = made();
    let parameters = parameters![database.settings.schema, names];
    session.ask(SQL, &parameters).await
}

/// The names of the tables and functions that migrations make: a schema may have others.
fn made() -> Vec<&'static str> {
    let lines = statements().flat_map(|(_, sql)| sql.lines());
    let names = lines.filter_map(|line| {
        let table = line.strip_prefix("CREATE TABLE schema.");
        let name = table.or_else(|| line.strip_prefix("CREATE FUNCTION schema."))?;
        name.split([' ', '(']).next()
    });
    names.collect()
}

/// Those of all migrations, with their versions.
fn statements() -> impl Iterator<Item = (i64, &'static str)> {
    MIGRATIONS.iter().flat_map(|migration| {
        migration.steps.iter().filter_map(|step| match step {
            Step::Sql(sql) => Some((migration.version, *sql)),
            Step::Rewrite(_) => None,
        })
    })
}

/// Makes the migrations that are due, in one transaction: if it is interrupted, nothing has
/// changed. Hosts that start together take turns, and the later ones find it done.
pub(crate) async fn prepare(database: &Database) -> Result<(), Fault> {
    // Overrides the database's own timeouts, and limits how long a host that hangs here
    // blocks others.
    const LIMITS: &str = "SET LOCAL statement_timeout = 0; \
         SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '30s'";
    const MARK: &str = "INSERT INTO schema.schema_version (version) VALUES ($1)";
    let time = match find(database).await? {
        Found::Nothing => CREATION,
        Found::Earlier => UPGRADE,
        Found::Current => return Ok(()),
    };
    database.set_ready(Err("its tables are being created or upgraded".to_owned()));
    let session = database.unready_session(time).await?;
    session.begin_with(LIMITS).await?;
    let lock = database.lock_key("schema");
    let lock = format!("SELECT pg_advisory_xact_lock({lock})");
    session.batch(&lock).await?;
    let schema = &database.settings.schema;
    let found = version(&session, schema).await?;
    if found.is_none() && !has_schema(&session, schema).await? {
        let create = format!("CREATE SCHEMA \"{schema}\"");
        session.batch(&create).await?;
    }
    for Migration { version, steps } in due(&MIGRATIONS, found)? {
        for step in *steps {
            match step {
                Step::Sql(sql) => session.batch(sql).await?,
                Step::Rewrite(rewrites) => {
                    rewrite::all(&session, schema, rewrites).await?;
                }
            }
        }
        session.execute(MARK, &parameters![*version]).await?;
    }
    session.commit().await
}

/// None: there are no tables.
async fn version(session: &Session<'_>, schema: &str) -> Result<Option<i64>, Fault> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
         WHERE schemaname = $1 AND tablename = 'schema_version')";
    match session.ask(EXISTS, &parameters![schema]).await? {
        true => latest(session).await.map(Some),
        false => Ok(None),
    }
}

async fn latest(session: &Session<'_>) -> Result<i64, Fault> {
    const SQL: &str = "SELECT coalesce(max(version), 0) FROM schema.schema_version";
    session.one(SQL, &[], |cells| cells.get()).await
}

/// A user without the right to create schemas may still use an existing one, but
/// `CREATE SCHEMA IF NOT EXISTS` would fail.
async fn has_schema(session: &Session<'_>, schema: &str) -> Result<bool, Fault> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    session.ask(EXISTS, &parameters![schema]).await
}

/// Whether the database is writable, and its tables still have this version.
pub(crate) async fn check(session: &Session<'_>) -> Result<(), Fault> {
    const WRITE: &str = "UPDATE schema.probe SET at = now() WHERE id = 0";
    let written = session.execute(WRITE, &[]);
    let (_, latest) = futures::try_join!(written, latest(session))?;
    match due(&MIGRATIONS, Some(latest))? {
        [] => Ok(()),
        _ => Err(VersionError::Other.into()),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_migrations_after_a_version_are_due() {
        for (found, expected) in [
            (None, Ok(vec![16, 17, 18, 19])),
            (Some(16), Ok(vec![17, 18, 19])),
            (Some(17), Ok(vec![18, 19])),
            (Some(18), Ok(vec![19])),
            (Some(19), Ok(vec![])),
            (Some(0), Err("another version")),
            (Some(15), Err("another version")),
            (Some(20), Err("a later version")),
            (Some(i64::MAX), Err("a later version")),
        ] {
            match (due(&MIGRATIONS, found), expected) {
                (Ok(due), Ok(expected)) => {
                    let due: Vec<_> = due.iter().map(|migration| migration.version).collect();
                    assert_eq!(due, expected, "{found:?}");
                }
                (Err(error), Err(expected)) => {
                    let reason = Fault::from(error).refusal().unwrap();
                    assert!(reason.starts_with(expected), "{found:?}: {reason}");
                }
                (due, _) => panic!("{found:?}: {:?}", due.map(<[_]>::len)),
            }
        }
        let versions = MIGRATIONS.iter().map(|migration| migration.version);
        assert!(versions.is_sorted(), "the oldest is not first");
    }

    #[test]
    fn a_migration_stays_as_it_is() {
        let expected = [
            (
                16,
                "13a9e9f9b712aa680a4a46ca15b5880e0e05e359545aa7ec80769f664d91154b",
            ),
            (
                16,
                "b3ab23b6c094d0b3b63a8dded82bf7eab32214ae46b0c5cf977edb6423807c5a",
            ),
            (
                17,
                "c9040f6eac63eafdd493315dbae6e1e140658d209ae510ce122486bd0aa40a09",
            ),
            (
                17,
                "72e2d478f5892d500a18e789e4216fce97356a8255f172e3d4d4b37e895b8cf7",
            ),
            (
                17,
                "138889959a6ab00e8cd650834a20bb40cd3d5acb775acd8e2c81750591a76695",
            ),
            (
                18,
                "f6f9516e48a9b18d2e3347a3f69f992283af9295baa32c97c650506da4a122d1",
            ),
            (
                19,
                "205826f9eabcb3cd1c6a5334382b80d4de28951ad7a4054fd9ea23462d64c78f",
            ),
            (
                19,
                "8281ede162672bdcc23b3fcbd4dbac4b6c4dedacd7755b13cb2b6e490aeb3150",
            ),
        ];
        let found: Vec<_> = statements()
            .map(|(version, sql)| {
                let hash = Sha256::digest(sql);
                let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                (version, hash)
            })
            .collect();
        let expected = expected.map(|(version, hash)| (version, hash.to_owned()));
        assert_eq!(
            found, expected,
            "A released migration must not change: databases that it has changed already would \
             differ from new ones. Undo the change, and add a migration with the next number. Of \
             one that is new, or was never released, put its hash here."
        );
    }

    #[test]
    fn the_names_of_what_is_made_are_found() {
        let made = made();
        for name in ["schema_version", "task", "probe", "find_task", "last_claim"] {
            assert!(made.contains(&name), "{name}: {made:?}");
        }
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        for name in made {
            assert!(!name.is_empty() && is_name(name), "{name:?}");
        }
    }

    #[test]
    fn nothing_but_tables_of_the_schema_is_named() {
        for line in statements().flat_map(|(_, sql)| sql.lines()) {
            for word in [
                "CREATE TABLE ",
                "ALTER TABLE ",
                "LOCK TABLE ",
                "DROP TABLE ",
                "FUNCTION ",
                "ALTER INDEX ",
                "DROP INDEX ",
                "INSERT INTO ",
                "JOIN ",
            ] {
                if let Some((_, name)) = line.split_once(word) {
                    assert!(name.starts_with("schema."), "{line}");
                }
            }
            let is_index = line.starts_with("CREATE") && line.contains(" INDEX ");
            assert!(!is_index || line.contains(" ON schema."), "{line}");
        }
    }
}
