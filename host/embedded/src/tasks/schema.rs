//! The schema of a data directory's tasks.

use concept_refinement_capability::migration::{Migration, Step};
use concept_refinement_capability::upgrade::FROM_0_1;
use rusqlite::Connection;

use crate::sqlite::schema::APPLICATION_ID;

/// Version 20 is that of 0.1.0.
pub(super) static SCHEMA: [Migration; 4] = [
    Migration {
        version: 20,
        steps: &[Step::Sql(include_str!("schema/020.sql"))],
    },
    Migration {
        version: 21,
        steps: &[
            Step::Sql(include_str!("schema/021_begin.sql")),
            Step::Rewrite(&FROM_0_1),
            Step::Sql(include_str!("schema/021_end.sql")),
        ],
    },
    Migration {
        version: 22,
        steps: &[Step::Sql(include_str!("schema/022.sql"))],
    },
    Migration {
        version: 23,
        steps: &[Step::Sql(include_str!("schema/023.sql"))],
    },
];

/// Sets the application id to the same value again. Unlike updating a row to its current
/// values, this really writes.
pub(super) fn write_probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

#[cfg(test)]
mod tests;
