//! The embedded store's files, looked at while no process has them.

use std::path::Path;

use rusqlite::Connection;

/// What is wrong with the files of a process that has stopped, once all its
/// tasks are final.
pub fn violations(data: &Path) -> Vec<String> {
    let connection = Connection::open(data.join("tasks.sqlite")).unwrap();
    let text = |sql: &str| -> String {
        connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| error.to_string())
    };
    let expected = [
        ("integrity", "PRAGMA integrity_check", "ok"),
        (
            "the backlog's counter is off by",
            "SELECT CAST(pending - (SELECT count(*) FROM task WHERE status = 'pending') AS TEXT) \
             FROM backlog",
            "0",
        ),
        (
            "tasks that are due for ever",
            "SELECT CAST(count(*) AS TEXT) FROM task WHERE due_at IS NOT NULL",
            "0",
        ),
    ];
    expected
        .into_iter()
        .filter_map(|(what, sql, expected)| {
            let found = text(sql);
            (found != expected).then(|| format!("{what}: {found}"))
        })
        .collect()
}
