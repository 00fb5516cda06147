//! Transactions of the connection that writes to a file.

use rusqlite::Connection;

/// Does all of it or nothing.
pub(crate) fn transaction<T, E>(
    connection: &Connection,
    fault: impl Fn(rusqlite::Error) -> E,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let run = |statement| run(connection, statement).map_err(&fault);
    run("BEGIN IMMEDIATE")?;
    let done = work().and_then(|done| run("COMMIT").map(|()| done));
    if done.is_err() && !connection.is_autocommit() {
        run("ROLLBACK")?;
    }
    done
}

/// Runs a statement that begins or ends something. Each is prepared once, unlike
/// those of rusqlite's `Transaction`.
pub(crate) fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    let mut prepared = connection.prepare_cached(statement)?;
    prepared.execute([]).map(drop)
}
