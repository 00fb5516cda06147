//! The schema of a data directory's tasks.

use std::path::Path;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::upgrade::FROM_0_1;
use rusqlite::Connection;

use crate::sqlite::schema::{self, APPLICATION_ID, Change, Schema, SchemaError};

/// Version 20 is that of 0.1.0.
pub(super) const SCHEMA: Schema = Schema {
    first: 20,
    sql: include_str!("schema/020.sql"),
    changes: &[
        Change {
            version: 21,
            begin: include_str!("schema/021_begin.sql"),
            rewrites: &FROM_0_1,
            end: include_str!("schema/021_end.sql"),
        },
        Change {
            version: 22,
            begin: include_str!("schema/022.sql"),
            rewrites: &[],
            end: "",
        },
        Change {
            version: 23,
            begin: include_str!("schema/023.sql"),
            rewrites: &[],
            end: "",
        },
    ],
};

/// `place`: where the file is; none: in memory.
pub(super) fn prepare(
    connection: &mut Connection,
    place: Option<&Path>,
) -> Result<(), SchemaError> {
    schema::prepare(connection, &SCHEMA, place)
}

/// Sets the application id to the same value again. Unlike updating a row to its current
/// values, this really writes.
pub(super) fn write_probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

/// Whether a database has the tables of an earlier version.
pub(super) fn is_outdated(file: &Path) -> Result<bool, OpenError> {
    schema::is_outdated(file, &SCHEMA)
}

/// Whether a database has the tables of some version and nothing else. True if it does not
/// exist.
pub(super) fn verify(file: &Path) -> Result<(), OpenError> {
    match file.exists() {
        true => schema::verify(file, &SCHEMA),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
