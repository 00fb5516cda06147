//! Finds the tasks that match a filter, the newest first.
//!
//! New ids are in the order of time, so that the tasks of all users are read in the order
//! of the primary key, and no index is needed for it.

use std::ops::ControlFlow;

use concept_refinement_capability::administration::{MAX_ROWS, TaskFilter};
use concept_refinement_domain::capability::{Page, Position};
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::super::fault::{Fault, readable};
use super::super::rows::{COLUMNS, position, read};
use crate::sqlite::statements::find;

pub(super) fn record(connection: &Connection, id: &str) -> rusqlite::Result<Option<TaskRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM task WHERE id = ?");
    find(connection, &sql, [id], read)
}

pub(super) fn page(
    connection: &Connection,
    filter: &TaskFilter,
    limit: u32,
    after: Option<Position>,
) -> Result<Page<TaskRecord>, Fault> {
    let limit = limit as usize;
    let (mut positions, mut next, mut rows) = (Vec::new(), None, 0);
    walk(connection, filter, None, after, |position, matches| {
        if matches && positions.len() == limit {
            next = positions.last().cloned();
            return Ok(ControlFlow::Break(()));
        }
        rows += 1;
        let is_last = rows >= MAX_ROWS;
        if is_last {
            next = Some(position.clone());
        }
        if matches {
            positions.push(position);
        }
        Ok(match is_last {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    })?;
    let records = positions.iter().map(|Position { id, .. }| {
        let record = readable(id, record(connection, id))?;
        // Tasks deleted meanwhile are left out.
        Ok(record.flatten())
    });
    let records: Result<Vec<_>, Fault> = records.collect();
    Ok(Page {
        items: records?.into_iter().flatten().collect(),
        next,
    })
}

pub(super) fn count(connection: &Connection, filter: &TaskFilter) -> Result<u64, Fault> {
    let mut count = 0;
    walk(connection, filter, None, None, |_, matches| {
        count += u64::from(matches);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

/// Calls `see` for tasks in the order of a list, the newest first, with each one's
/// position and whether it matches, until `see` has seen enough. Tasks that an index can
/// exclude are left out, and so are those without a readable place in the order. `as_of`:
/// leaves out tasks that match only because they ended later.
pub(super) fn walk(
    connection: &Connection,
    filter: &TaskFilter,
    as_of: Option<Timestamp>,
    after: Option<Position>,
    mut see: impl FnMut(Position, bool) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let (sql, parameters) = query(filter, as_of, after);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        let state = row.get_ref(3)?.as_str().unwrap_or_default();
        let matches = row.get::<_, bool>(2)? && filter.matches_deeply(state);
        let Some(position) = readable("", position(row, 0, 1))? else {
            continue;
        };
        if see(position, matches)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn query(
    filter: &TaskFilter,
    as_of: Option<Timestamp>,
    after: Option<Position>,
) -> (String, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut parameters = Vec::new();
    let mut matches = "TRUE".to_owned();
    let mut given = |condition: &str, value: Value| {
        conditions.push(condition.to_owned());
        parameters.push(value);
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let time = |at: Timestamp| Value::Integer(i64::try_from(at.0).unwrap_or(i64::MAX));
    let mut index = "";
    if let Some(user) = &filter.user {
        given("user_id = ?", text(user));
    } else {
        if let Some(first) = filter.first_id() {
            given("id >= ?", Value::Text(first));
        }
        if let Some(last) = filter.last_id() {
            given("id <= ?", Value::Text(last));
        }
    }
    match (filter.status, &filter.user) {
        (Some(status), Some(_)) => given("status = ?", text(status.as_str())),
        (Some(status @ (Status::Pending | Status::Processing)), None) => {
            index = "INDEXED BY task_due";
            given("due_at IS NOT NULL AND status = ?", text(status.as_str()));
        }
        (Some(Status::Failed), None) => {
            index = "INDEXED BY task_failed";
            conditions.push("status = 'failed'".to_owned());
        }
        // Most tasks are completed, so few are read in vain.
        (Some(Status::Completed), None) => matches = "status = 'completed'".to_owned(),
        (None, _) => {}
    }
    let mut given = |condition: &str, value: Value| {
        conditions.push(condition.to_owned());
        parameters.push(value);
    };
    if let Some(since) = filter.since {
        given("created_at >= ?", time(since));
    }
    if let Some(until) = filter.until {
        given("created_at < ?", time(until));
    }
    if let Some(as_of) = as_of.filter(|_| filter.is_of_ended()) {
        given("completed_at <= ?", time(as_of));
    }
    if let Some(Position { created_at, id }) = after {
        match filter.user {
            Some(_) => {
                given("created_at <= ?", time(created_at));
                given("(created_at, id) < (?, ?)", time(created_at));
                parameters.push(Value::Text(id));
            }
            None => given("id < ?", Value::Text(id)),
        }
    }
    let order = match filter.user {
        Some(_) => "created_at DESC, id DESC",
        None => "id DESC",
    };
    let deep = match filter.is_deep() {
        true => "state",
        false => "NULL",
    };
    let conditions = match conditions.is_empty() {
        true => "TRUE".to_owned(),
        false => conditions.join(" AND "),
    };
    let sql = format!(
        "SELECT created_at, id, {matches}, {deep} FROM task {index} WHERE {conditions} \
         ORDER BY {order}"
    );
    (sql, parameters)
}
