//! Migrates a database to the newest version of its schema. The version is the number
//! of migrations that were applied (`PRAGMA user_version`). Released ones are never
//! edited; a change is a new one.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::open_error;
use crate::capability::OpenError;

/// Why a database cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error("its tables are of a newer version")]
    Newer,
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
}

impl MigrationError {
    pub(crate) fn into_open_error(self, file: &Path) -> OpenError {
        match self {
            Self::Newer => OpenError::Newer(file.to_owned()),
            Self::Engine(error) => open_error(file, error),
        }
    }
}

/// In one transaction. `application_id` tells whose the file is.
pub(crate) fn migrate(
    connection: &mut Connection,
    migrations: &[&str],
    application_id: Option<i32>,
) -> Result<(), MigrationError> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(version(&step)?).map_err(|_| MigrationError::Newer)?;
    let rest = migrations.get(done..).ok_or(MigrationError::Newer)?;
    for migration in rest {
        step.execute_batch(migration)?;
    }
    if !rest.is_empty() {
        if let Some(id) = application_id {
            step.pragma_update(None, "application_id", id)?;
        }
        let newest = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        step.pragma_update(None, "user_version", newest)?;
    }
    Ok(step.commit()?)
}

/// 0: there are no tables yet.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
