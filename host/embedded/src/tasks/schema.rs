//! The schema of a data directory's tasks.

use std::path::Path;

use concept_refinement_capability::OpenError;
use rusqlite::Connection;

use crate::sqlite::schema::{self, APPLICATION_ID, Schema, SchemaError};

const SCHEMA: Schema = Schema {
    version: 20,
    sql: include_str!("schema.sql"),
};

pub(super) fn create(connection: &mut Connection) -> Result<(), SchemaError> {
    schema::create(connection, &SCHEMA)
}

/// Sets the application id to the same value again. Unlike updating a row to its current
/// values, this really writes.
pub(super) fn write_probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

/// Whether a database has these tables and nothing else. True if it does not exist.
pub(super) fn verify(file: &Path) -> Result<(), OpenError> {
    match file.exists() {
        true => schema::verify(file, &SCHEMA),
        false => Ok(()),
    }
}
