//! Reading tasks for users.

use concept_refinement_domain::capability::{Page, Position, TaskPage};
use concept_refinement_domain::document::FromStored;
use concept_refinement_domain::rulebook::ActiveTasks;
use concept_refinement_domain::task::Status;
use rusqlite::{Connection, Row, params};

use super::fault::{Fault, readable};
use super::rows::{COLUMNS, COUNT, CREATED_AT, position, read};
use crate::sqlite::statements::{all, find};

/// If a user is given, only that user's.
pub(super) fn get<T: FromStored>(
    connection: &Connection,
    user_id: Option<&str>,
    id: &str,
) -> Result<Option<T>, Fault> {
    let sql =
        format!("SELECT {COLUMNS} FROM task WHERE id = ?1 AND user_id = coalesce(?2, user_id)");
    Ok(find(connection, &sql, (id, user_id), read)?)
}

/// The tasks of a user that are pending or processing.
///
/// The index is named, since SQLite would choose that of all tasks of the user, which has the
/// same order, and each submission would read all that have ended.
pub(super) fn active(connection: &Connection, user_id: &str) -> Result<Option<ActiveTasks>, Fault> {
    let active = "task INDEXED BY task_active \
         WHERE user_id = ?1 AND status IN ('pending', 'processing')";
    let sql = format!(
        "SELECT {COLUMNS}, (SELECT count(*) FROM {active}) FROM {active} \
         ORDER BY created_at, id LIMIT 1"
    );
    let active = find(connection, &sql, [user_id], |row| {
        Ok(ActiveTasks {
            oldest: read(row)?,
            count: row.get(COUNT)?,
        })
    });
    Ok(active?)
}

pub(super) fn list(
    connection: &Connection,
    user_id: &str,
    status: Option<Status>,
    limit: u32,
    after: Option<Position>,
) -> Result<TaskPage, Fault> {
    let condition = match status {
        Some(_) => "status = ?",
        None => "? IS NULL",
    };
    let (created_at, id) = start(after);
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE user_id = ? AND {condition} \
         AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?"
    );
    let status = status.map(Status::as_str);
    let parameters = params![user_id, status, created_at, id, one_more(limit)];
    let rows = all(connection, &sql, parameters, |row| {
        with_position(row, CREATED_AT, read)
    })?;
    Ok(page_of(rows, limit))
}

/// A row that [`page_of`] expects, whose first column is the id, and whose time is in
/// column `created_at`. None: it has no place in the order, so it counts as the last one.
pub(super) fn with_position<T>(
    row: &Row<'_>,
    created_at: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<(Position, Option<T>)>> {
    let Some(position) = readable("", position(row, created_at, 0))? else {
        return Ok(None);
    };
    let item = readable(&position.id, read(row))?;
    Ok(Some((position, item)))
}

/// The page of rows with their positions, without those that cannot be read.
pub(super) fn page_of<T>(rows: Vec<Option<(Position, Option<T>)>>, limit: u32) -> Page<T> {
    let rows = rows.into_iter().flatten().collect();
    let page = Page::of(rows, limit, |(position, _)| position.clone());
    let items = page.items.into_iter().filter_map(|(_, item)| item);
    Page {
        items: items.collect(),
        next: page.next,
    }
}

/// The sort key after which the page begins. Without a position, the greatest
/// key.
pub(super) fn start(after: Option<Position>) -> (i64, String) {
    match after {
        Some(position) => (
            i64::try_from(position.created_at.0).unwrap_or(i64::MAX),
            position.id,
        ),
        None => (i64::MAX, String::new()),
    }
}

/// One more than the limit, to see whether there is a next page.
pub(super) fn one_more(limit: u32) -> i64 {
    i64::from(limit) + 1
}
