//! SQLite files of embedded stores: opening, writing, copying and maintaining them, and
//! the meaning of SQLite's errors. Knows no tables.

pub(crate) mod connection;
mod database_file;
mod group_commit;
pub(crate) mod names;
pub(crate) mod records;
pub(crate) mod schema;
pub(crate) mod statements;
pub(crate) mod transaction;
mod upgrade;

use std::fs;
use std::io;
use std::path::Path;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::existing;
pub(crate) use database_file::{DatabaseFile, Temporary};
pub(crate) use group_commit::{Committer, GroupCommit};
use rusqlite::{Connection, ErrorCode, ffi};

/// An empty file is no database: one has a header before anything is stored in it. What is no
/// file is judged by who opens it.
pub(crate) fn exists(file: &Path) -> io::Result<bool> {
    let found = existing(fs::metadata(file))?;
    Ok(found.is_some_and(|found| !found.is_file() || found.len() > 0))
}

/// SQLite's shared memory is a file too, so it also fails on a full disk.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || extended == Some(ffi::SQLITE_IOERR_SHMSIZE)
}

pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

pub(crate) fn open_error(file: &Path, error: rusqlite::Error) -> OpenError {
    if is_full(&error) {
        OpenError::unusable(file, "there is no room left on its disk")
    } else if is_damage(&error) {
        OpenError::Damaged(file.to_owned())
    } else {
        OpenError::unusable(file, error)
    }
}

/// Reads the first row of each table, so that damage there is found before anything is
/// changed.
pub(crate) fn glance(connection: &Connection) -> rusqlite::Result<()> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
    for table in tables.collect::<Result<Vec<_>, _>>()? {
        let first = format!("SELECT * FROM \"{table}\" NOT INDEXED LIMIT 1");
        connection.prepare(&first)?.exists([])?;
    }
    Ok(())
}
