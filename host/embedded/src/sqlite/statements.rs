//! Runs statements that a connection prepares once and caches.

use rusqlite::{Connection, OptionalExtension as _, Params, Row};

/// Returns the number of rows written.
pub(crate) fn run(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(parameters)
}

/// The first row, which has to exist.
pub(crate) fn one<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached(sql)?.query_row(parameters, read)
}

/// The first row, if there is any.
pub(crate) fn find<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    one(connection, sql, parameters, read).optional()
}

/// All rows.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(parameters, read)?.collect()
}
