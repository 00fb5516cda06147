//! Transactions of the writing connection.

use rusqlite::Connection;

use super::statements;

/// Commits all of it or nothing. The statements for that are cached, unlike those of
/// rusqlite's `Transaction`.
pub(crate) fn transaction<T, E>(
    connection: &Connection,
    fault: impl Fn(rusqlite::Error) -> E,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let run = |statement| statements::run(connection, statement, []).map_err(&fault);
    run("BEGIN IMMEDIATE")?;
    let done = work().and_then(|done| run("COMMIT").map(|_| done));
    if done.is_err() && !connection.is_autocommit() {
        run("ROLLBACK")?;
    }
    done
}
