//! Opens and configures connections.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// How long to wait for a lock. There is only one writer, so this matters only
/// for recovery.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The write-ahead log is truncated to this size after a burst, in bytes.
pub(crate) const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;

const STATEMENT_CACHE_CAPACITY: usize = 64;

/// The connection for writing. Its commits survive a power loss.
pub(crate) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )?;
    set_up(&connection)?;
    tidy_up_on_close(&connection, false)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", MAX_LOG_BYTES.cast_signed())?;
    Ok(connection)
}

/// A connection to copy from, which may attach the database that it writes to.
pub(crate) fn copier(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_up(&connection)?;
    tidy_up_on_close(&connection, false)?;
    Ok(connection)
}

/// A read-only connection.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = copier(path)?;
    connection.pragma_update(None, "query_only", true)?;
    // SQLite opens the log by name at the first read. Reading now makes sure
    // that it is the right file, even if the directory is replaced later.
    connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
    Ok(connection)
}

/// An in-memory database, which is gone with its connection.
pub(crate) fn in_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    set_up(&connection)?;
    Ok(connection)
}

/// Whether the last connection to close checkpoints and removes the log. Only for a file
/// that is known to be intact.
pub(crate) fn tidy_up_on_close(connection: &Connection, tidy: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !tidy)?;
    Ok(())
}

/// In exclusive mode: the directory belongs to this process anyway. Connections then
/// share the log's index in memory, and reads and writes need no file locks.
fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags_and_vfs(path, flags, "unix-excl")
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // Otherwise a cached statement is prepared again whenever bound values might change
    // its query plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_CAPACITY);
    Ok(())
}
