//! Creates the tables of a database that has none, and does not change those of
//! another version. Each change of a schema has to change its version (`PRAGMA
//! user_version`).

use std::path::Path;

use concept_refinement_capability::OpenError;
use rusqlite::{Connection, TransactionBehavior};

use super::{connection, open_error};

/// Identifies our files (`PRAGMA application_id`): "CRef".
pub(crate) const APPLICATION_ID: i32 = 0x4352_6566;

/// The tables of a database.
pub(crate) struct Schema {
    /// Greater than 0, which is the version of a database without tables.
    pub version: i64,
    pub sql: &'static str,
}

/// Why a database has no usable tables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("its tables are of another version")]
    OtherVersion,
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
}

impl SchemaError {
    pub(crate) fn into_open_error(self, file: &Path) -> OpenError {
        match self {
            Self::OtherVersion => OpenError::OtherVersion(file.to_owned()),
            Self::Engine(error) => open_error(file, error),
        }
    }
}

/// Creates the tables in one transaction.
pub(crate) fn create(connection: &mut Connection, schema: &Schema) -> Result<(), SchemaError> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&step)? {
        0 => {}
        found if found == schema.version => return Ok(()),
        _ => return Err(SchemaError::OtherVersion),
    }
    step.execute_batch(schema.sql)?;
    step.pragma_update(None, "application_id", APPLICATION_ID)?;
    step.pragma_update(None, "user_version", schema.version)?;
    Ok(step.commit()?)
}

/// Fails unless a database has these tables, and nothing else.
pub(crate) fn verify(file: &Path, schema: &Schema) -> Result<(), OpenError> {
    let all = |connection: &Connection| -> rusqlite::Result<Vec<[Option<String>; 3]>> {
        // SQLite has internal tables, for example for `AUTOINCREMENT`.
        let mut all = connection.prepare(
            "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             ORDER BY type, name",
        )?;
        let all = all.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        all.collect()
    };
    let found = || -> rusqlite::Result<_> {
        let known = Connection::open_in_memory()?;
        known.execute_batch(schema.sql)?;
        let found = connection::reader(file)?;
        Ok((version(&found)?, all(&found)? == all(&known)?))
    };
    match found().map_err(|error| open_error(file, error))? {
        (0, _) => Err(OpenError::unusable(file, "it has no tables")),
        (found, _) if found != schema.version => Err(OpenError::OtherVersion(file.to_owned())),
        (_, false) => Err(OpenError::unusable(
            file,
            "it has other tables, indexes, views or triggers than this program makes",
        )),
        (_, true) => Ok(()),
    }
}

/// 0: there are no tables yet.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_created_once_and_those_of_another_version_are_left_alone() {
        let schema = Schema {
            version: 3,
            sql: "CREATE TABLE count (it INTEGER) STRICT; INSERT INTO count VALUES (1)",
        };
        let mut connection = Connection::open_in_memory().unwrap();
        create(&mut connection, &schema).unwrap();
        connection.execute("UPDATE count SET it = 2", []).unwrap();
        create(&mut connection, &schema).unwrap();
        for other in [2, 4, -1] {
            connection
                .pragma_update(None, "user_version", other)
                .unwrap();
            let error = create(&mut connection, &schema).unwrap_err();
            assert!(matches!(error, SchemaError::OtherVersion), "{other}");
        }
        let kept: i64 = connection
            .query_row("SELECT it FROM count", [], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 2);
    }
}
