//! The schema of a data directory's tasks.

use concept_refinement_capability::upgrade::FROM_0_1;
use rusqlite::Connection;

use crate::sqlite::schema::{APPLICATION_ID, Change, Schema};

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

/// Sets the application id to the same value again. Unlike updating a row to its current
/// values, this really writes.
pub(super) fn write_probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

#[cfg(test)]
mod tests;
