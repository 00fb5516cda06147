//! Whether the store is known to be damaged.
//!
//! The engine notices only what it reads, so a store may be damaged for long
//! before anyone knows. From then on nothing more is written to it, since that
//! could spread the damage, or cover up what a backup is to be compared with;
//! what can be read still is. It never looks for damage by itself: to look at a
//! whole file takes minutes where it is large.

use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_domain::capability::CapabilityError;
use rusqlite::{Connection, ErrorCode};

/// Shared by all who use the file. It never ends: the file has to be replaced,
/// and no process replaces it under its own feet.
#[derive(Debug, Default)]
pub(super) struct Damage(AtomicBool);

impl Damage {
    pub(super) fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Logs the first one: all that follow come of the same.
    pub(super) fn found(&self, error: &rusqlite::Error) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::error!(
                %error,
                "the task store is damaged: stop the service and restore a backup"
            );
        }
    }

    /// An error: it is known.
    pub(super) fn check(&self) -> Result<(), CapabilityError> {
        if self.is_known() { Err(told()) } else { Ok(()) }
    }
}

/// No repeat helps, but whoever asked has asked for nothing impossible.
pub(super) fn told() -> CapabilityError {
    CapabilityError::unavailable("The task store is damaged.")
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Reads the first row of each table: damage there is noticed before anything
/// is changed.
pub(super) fn glance(connection: &Connection) -> rusqlite::Result<()> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
    for table in tables.collect::<Result<Vec<_>, _>>()? {
        let first = format!("SELECT * FROM \"{table}\" NOT INDEXED LIMIT 1");
        connection.prepare(&first)?.exists([])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
