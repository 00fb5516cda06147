//! Remembers whether the database was found to be damaged.
//!
//! SQLite notices damage only in pages that it reads. Once damage is found,
//! nothing more is written, since that could spread it or destroy evidence;
//! reads go on. There is no active search for damage, since checking a large
//! file takes minutes.

use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_domain::capability::CapabilityError;
use rusqlite::{Connection, ErrorCode};

/// Shared by all connections. It is never reset: the file has to be replaced
/// while no process uses it.
#[derive(Debug, Default)]
pub(super) struct Damage(AtomicBool);

impl Damage {
    pub(super) fn is_detected(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Records damage, and logs it the first time.
    pub(super) fn found(&self, error: &rusqlite::Error) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::error!(
                %error,
                "the task store is damaged: stop the service and restore a backup"
            );
        }
    }

    /// Fails if damage was found.
    pub(super) fn check(&self) -> Result<(), CapabilityError> {
        if self.is_detected() {
            Err(damage_error())
        } else {
            Ok(())
        }
    }
}

/// Of the kind `Unavailable`, although no repeat helps: the request itself was
/// valid.
pub(super) fn damage_error() -> CapabilityError {
    CapabilityError::unavailable("The task store is damaged.")
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Reads the first row of each table, so that damage there is found before
/// anything is changed.
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
