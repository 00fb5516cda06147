//! The tables of a database, by numbered versions (`PRAGMA user_version`). A new database
//! gets the tables of the first version and then each change, as an earlier one does: so
//! there is one way to the latest tables.
//!
//! A change that was released never changes again; the next one gets the next number.

use std::io;
use std::path::Path;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::upgrade::Rewrite;
use rusqlite::{Connection, TransactionBehavior};

use super::{connection, open_error, upgrade};

/// Identifies our files (`PRAGMA application_id`): "CRef".
pub(crate) const APPLICATION_ID: i32 = 0x4352_6566;

/// The tables of a database.
pub(crate) struct Schema {
    /// The number of the first version; greater than 0, which is that of a database without
    /// tables.
    pub first: i64,
    pub sql: &'static str,
    /// The versions after it, in their order.
    pub changes: &'static [Change],
}

/// How the tables of the version before become those of this one.
pub(crate) struct Change {
    pub version: i64,
    /// Makes the tables that rows are rewritten to.
    pub begin: &'static str,
    pub rewrites: &'static [Rewrite],
    pub end: &'static str,
}

/// Why a database has no usable tables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("its tables are of a later version")]
    LaterVersion,
    #[error("its tables are of another version")]
    OtherVersion,
    #[error("there is no room for its upgrade: {0}")]
    NoRoom(io::Error),
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
}

impl SchemaError {
    pub(crate) fn into_open_error(self, file: &Path) -> OpenError {
        match self {
            Self::LaterVersion => OpenError::LaterVersion(file.to_owned()),
            Self::NoRoom(_) => OpenError::unusable(file, self),
            Self::OtherVersion => OpenError::OtherVersion(file.to_owned()),
            Self::Engine(error) => open_error(file, error),
        }
    }
}

impl Schema {
    /// The latest version.
    fn version(&self) -> i64 {
        let last = self.changes.last().map(|change| change.version);
        last.unwrap_or(self.first)
    }

    /// The changes that a database of this version lacks.
    fn changes_after(&self, found: i64) -> Result<&'static [Change], SchemaError> {
        if found > self.version() {
            return Err(SchemaError::LaterVersion);
        }
        if found != 0 && found < self.first {
            return Err(SchemaError::OtherVersion);
        }
        let is_made = |change: &Change| change.version <= found;
        let made = self.changes.partition_point(is_made);
        Ok(self.changes.get(made..).unwrap_or_default())
    }
}

/// Brings a database to the latest version, in one transaction: whatever ends the process
/// meanwhile, the next one begins again. `place`: where its file is.
pub(crate) fn prepare(
    connection: &mut Connection,
    schema: &Schema,
    place: Option<&Path>,
) -> Result<(), SchemaError> {
    prepare_to(connection, schema, i64::MAX, place)
}

/// `last`: the version at which to stop.
fn prepare_to(
    connection: &mut Connection,
    schema: &Schema,
    last: i64,
    place: Option<&Path>,
) -> Result<(), SchemaError> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&step)?;
    let changes = schema.changes_after(found)?;
    if found == 0 {
        step.execute_batch(schema.sql)?;
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", schema.first)?;
    } else if changes.is_empty() {
        return Ok(());
    } else {
        upgrade::look_for_room(&step, place)?;
    }
    for change in changes.iter().filter(|change| change.version <= last) {
        upgrade::run(&step, change)?;
        step.pragma_update(None, "user_version", change.version)?;
    }
    Ok(step.commit()?)
}

/// Fails unless a database has the tables of some version, and nothing else, or does not
/// exist.
pub(crate) fn verify(file: &Path, schema: &Schema) -> Result<(), OpenError> {
    if !file.exists() {
        return Ok(());
    }
    let all = |connection: &Connection| -> rusqlite::Result<Vec<[Option<String>; 3]>> {
        // SQLite has internal tables, for example for `AUTOINCREMENT`.
        let mut all = connection.prepare(
            "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             ORDER BY type, name",
        )?;
        let all = all.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        all.collect()
    };
    let found = || -> Result<(i64, bool), SchemaError> {
        let found = connection::reader(file)?;
        let version = version(&found)?;
        schema.changes_after(version)?;
        let mut known = Connection::open_in_memory()?;
        prepare_to(&mut known, schema, version, None)?;
        Ok((version, all(&found)? == all(&known)?))
    };
    match found().map_err(|error| error.into_open_error(file))? {
        (0, _) => Err(OpenError::unusable(file, "it has no tables")),
        (_, true) => Ok(()),
        (_, false) => Err(OpenError::unusable(
            file,
            "it has other tables, indexes, views or triggers than this program makes",
        )),
    }
}

/// Whether a database has the tables of an earlier version.
pub(crate) fn is_outdated(file: &Path, schema: &Schema) -> Result<bool, OpenError> {
    let found = connection::reader(file).and_then(|found| version(&found));
    let found = found.map_err(|error| open_error(file, error))?;
    Ok((1..schema.version()).contains(&found))
}

/// 0: there are no tables yet.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests;
