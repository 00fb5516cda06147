//! The tables of a database: its version is `PRAGMA user_version`, 0 without tables.

use std::io;
use std::path::Path;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::migration::{Migration, VersionError, due};
use rusqlite::{Connection, TransactionBehavior};

use super::{connection, open_error, upgrade};

/// Identifies our files (`PRAGMA application_id`): "CRef".
pub(crate) const APPLICATION_ID: i32 = 0x4352_6566;

/// Why a database has no usable tables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error("there is no room for its upgrade: {0}")]
    NoRoom(io::Error),
    #[error(
        "it is a database of another program, and nothing in it was changed: move it away, or \
         restore a backup"
    )]
    Foreign,
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
}

impl SchemaError {
    pub(crate) fn into_open_error(self, file: &Path) -> OpenError {
        match self {
            Self::Version(VersionError::Later) => OpenError::LaterVersion(file.to_owned()),
            Self::Version(VersionError::Other) => OpenError::OtherVersion(file.to_owned()),
            Self::NoRoom(_) | Self::Foreign => OpenError::unusable(file, self),
            Self::Engine(error) => open_error(file, error),
        }
    }
}

/// Brings a database to the latest version, in one transaction: whatever ends the process
/// meanwhile, the next one begins again. `place`: where its file is.
pub(crate) fn prepare(
    connection: &mut Connection,
    schema: &'static [Migration],
    place: Option<&Path>,
) -> Result<(), SchemaError> {
    prepare_to(connection, schema, i64::MAX, place)
}

/// `last`: the version at which to stop.
fn prepare_to(
    connection: &mut Connection,
    schema: &'static [Migration],
    last: i64,
    place: Option<&Path>,
) -> Result<(), SchemaError> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&step)?;
    let due = due(schema, (found != 0).then_some(found))?;
    match due {
        [] => return Ok(()),
        _ if found == 0 => step.pragma_update(None, "application_id", APPLICATION_ID)?,
        _ => upgrade::look_for_room(&step, place)?,
    }
    let due = due.iter().filter(|migration| migration.version <= last);
    for Migration { version, steps } in due {
        upgrade::run(&step, steps)?;
        step.pragma_update(None, "user_version", version)?;
    }
    Ok(step.commit()?)
}

/// Fails unless a database has the tables of some version, and nothing else, or does not
/// exist.
pub(crate) fn verify(file: &Path, schema: &'static [Migration]) -> Result<(), OpenError> {
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
        let version = known_version(&found, schema)?;
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

/// Fails if a database cannot be one of this version or an earlier one, and changes nothing in it.
pub(crate) fn refuse_unknown(file: &Path, schema: &'static [Migration]) -> Result<(), OpenError> {
    let found = connection::reader(file).map_err(SchemaError::from);
    let found = found.and_then(|found| known_version(&found, schema));
    found.map(drop).map_err(|error| error.into_open_error(file))
}

/// Whether a database has the tables of an earlier version. Fails if there is no room for their
/// upgrade.
pub(crate) fn is_outdated(file: &Path, schema: &'static [Migration]) -> Result<bool, OpenError> {
    let latest = schema.last().map_or(0, |migration| migration.version);
    let look = || -> Result<bool, SchemaError> {
        let found = connection::reader(file)?;
        let is_outdated = (1..latest).contains(&known_version(&found, schema)?);
        if is_outdated {
            upgrade::look_for_room(&found, file.parent())?;
        }
        Ok(is_outdated)
    };
    look().map_err(|error| error.into_open_error(file))
}

/// The version of a database. 0: it has no tables yet.
///
/// # Errors
///
/// It is not known here, or another program's.
pub(crate) fn known_version(
    connection: &Connection,
    schema: &'static [Migration],
) -> Result<i64, SchemaError> {
    let has_tables = connection
        .prepare("SELECT 1 FROM sqlite_schema")?
        .exists([])?;
    let program: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if has_tables && program != APPLICATION_ID {
        return Err(SchemaError::Foreign);
    }
    let found = version(connection)?;
    due(schema, (found != 0).then_some(found))?;
    Ok(found)
}

/// 0: there are no tables yet.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests;
