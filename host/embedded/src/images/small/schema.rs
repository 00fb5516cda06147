//! The table of small images.

use std::path::Path;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::migration::{Migration, Step};
use rusqlite::Connection;

use crate::sqlite::connection;
use crate::sqlite::schema::{self, SchemaError};

static SCHEMA: [Migration; 1] = [Migration {
    version: 2,
    steps: &[Step::Sql(
        "
        CREATE TABLE image (
            id INTEGER PRIMARY KEY,
            -- Of the owner, and of the image, as in its path.
            tag TEXT NOT NULL,
            name TEXT NOT NULL,
            -- What is said of it, as in a file.
            envelope TEXT NOT NULL,
            contents BLOB NOT NULL,
            -- It is gone, but for a backup that is being made.
            removed INTEGER NOT NULL DEFAULT FALSE
        ) STRICT;
        -- Names begin with the task's id, which are in order of time.
        CREATE UNIQUE INDEX image_name ON image (name, tag);
        CREATE INDEX image_removed ON image (id) WHERE removed;
    ",
    )],
}];

pub(super) fn prepare(connection: &mut Connection) -> Result<(), SchemaError> {
    if schema::version(connection)? == 0 {
        // Space freed by images has to go back to the disk. The setting takes effect when
        // the (empty) file is rewritten.
        connection.pragma_update(None, "auto_vacuum", "incremental")?;
        connection.execute_batch("VACUUM")?;
    }
    schema::prepare(connection, &SCHEMA, None)
}

/// Fails if a database cannot be this one, and changes nothing in it.
pub(super) fn refuse_unknown(file: &Path) -> Result<(), OpenError> {
    schema::refuse_unknown(file, &SCHEMA)
}

/// A connection to a database that is only read.
///
/// # Errors
///
/// It is of a version that is not known here, or cannot be read.
pub(super) fn reader(file: &Path) -> Result<Connection, SchemaError> {
    let reader = connection::reader(file)?;
    schema::known_version(&reader, &SCHEMA)?;
    Ok(reader)
}

/// Whether a database has these tables and nothing else. True if it does not exist.
pub(in crate::images) fn verify(file: &Path) -> Result<(), OpenError> {
    schema::verify(file, &SCHEMA)
}
