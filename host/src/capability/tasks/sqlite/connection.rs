//! How each connection is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Others wait this long for each other. Nobody writes but the one writer, so
/// this is for recovery and for whoever looks at the file from outside.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// After a burst the log is cut back to this size, in bytes.
pub(super) const LOG_KEPT: u64 = 16 * 1024 * 1024;

const STATEMENTS_KEPT: usize = 64;

/// The connection that writes. What it commits is on the disk, power loss
/// included.
///
/// No `auto_vacuum`: the room of what was deleted is used again, so the file
/// stays as large as it was at its largest. To give some of it back would cost
/// each commit some, and scatter the rows; the images are what takes room.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set_up(&connection)?;
    tidy_up_on_close(&connection, false)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT.cast_signed())?;
    Ok(connection)
}

/// One of the connections that only read, beside the writer.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set_up(&connection)?;
    tidy_up_on_close(&connection, false)?;
    connection.pragma_update(None, "query_only", true)?;
    // The engine opens the log when it first reads, by its name: which is sure
    // to be that of the log now, and no longer when the directory is replaced.
    connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
    Ok(connection)
}

/// A store that is forgotten with its only connection.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    set_up(&connection)?;
    Ok(connection)
}

/// Whether the last connection that closes copies the log into the main file
/// and removes it. That is for a file that is known to be usable.
pub(super) fn tidy_up_on_close(connection: &Connection, tidy: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !tidy)?;
    Ok(())
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(())
}
