//! Finds the tasks that match a filter, the newest first.
//!
//! New ids are in the order of time, so that the tasks of all users are read in the order
//! of the primary key, and no index is needed for it.

use concept_refinement_capability::administration::TaskFilter;
use concept_refinement_capability::storage::{FoundTask, Walk};
use concept_refinement_domain::capability::Position;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::super::fault::{Fault, readable};
use super::super::rows::{COLUMNS, position, read};
use crate::sqlite::statements::{find, one};

/// Those of these tasks that exist and can be read.
pub(in super::super) fn some(
    connection: &Connection,
    ids: &[String],
) -> Result<Vec<TaskRecord>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM task WHERE id = ?");
    let mut records = Vec::with_capacity(ids.len());
    for id in ids {
        let record = readable(id, find(connection, &sql, [id], read))?;
        records.extend(record.flatten());
    }
    Ok(records)
}

pub(in super::super) fn count(connection: &Connection, filter: &TaskFilter) -> Result<u64, Fault> {
    let query = query(filter, None, None);
    let sql = format!("SELECT count(*) FROM {} AND {}", query.rows, query.matches);
    let parameters = params_from_iter(query.parameters);
    let count: i64 = one(connection, &sql, parameters, |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// The next tasks of a walk.
pub(in super::super) fn look(
    connection: &Connection,
    walk: &Walk,
    limit: usize,
) -> Result<Vec<FoundTask>, Fault> {
    let filter = &walk.filter;
    let query = query(filter, walk.as_of, walk.after.clone());
    let deep = match filter.is_deep() {
        true => "state",
        false => "NULL",
    };
    let sql = format!(
        "SELECT created_at, id, user_id, {}, {deep} FROM {} ORDER BY {}",
        query.matches, query.rows, query.order
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(query.parameters))?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let state = row.get_ref(4)?.as_str().unwrap_or_default();
        let matches = row.get::<_, bool>(3)? && filter.matches_deeply(state);
        let place = readable("", position(row, 0, 1))?;
        let user_id = readable("", row.get(2))?;
        found.extend(place.zip(user_id).map(|(position, user_id)| FoundTask {
            position,
            user_id,
            matches,
        }));
    }
    Ok(found)
}

/// The parts of a query for the tasks of a filter.
struct Query {
    /// The table and the conditions for which an index is used.
    rows: String,
    /// A condition that is checked row by row.
    matches: &'static str,
    order: &'static str,
    parameters: Vec<Value>,
}

fn query(filter: &TaskFilter, as_of: Option<Timestamp>, after: Option<Position>) -> Query {
    let mut conditions = Vec::new();
    let mut parameters = Vec::new();
    let mut matches = "TRUE";
    let mut given = |condition: &'static str, values: &[Value]| {
        conditions.push(condition);
        parameters.extend_from_slice(values);
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let time = |at: Timestamp| Value::Integer(i64::try_from(at.0).unwrap_or(i64::MAX));
    let mut index = "";
    if let Some(user) = &filter.user {
        given("user_id = ?", &[text(user)]);
    } else {
        if let Some(first) = filter.first_id() {
            given("id >= ?", &[Value::Text(first)]);
        }
        if let Some(last) = filter.last_id() {
            given("id <= ?", &[Value::Text(last)]);
        }
    }
    match (filter.status, &filter.user) {
        (Some(status), Some(_)) => given("status = ?", &[text(status.as_str())]),
        (Some(status @ (Status::Pending | Status::Processing)), None) => {
            index = "INDEXED BY task_due";
            given(
                "due_at IS NOT NULL AND status = ?",
                &[text(status.as_str())],
            );
        }
        (Some(Status::Failed), None) => {
            index = "INDEXED BY task_failed";
            given("status = 'failed'", &[]);
        }
        // Most tasks are completed, so few are read in vain.
        (Some(Status::Completed), None) => matches = "status = 'completed'",
        (None, _) => {}
    }
    if let Some(since) = filter.since {
        given("created_at >= ?", &[time(since)]);
    }
    if let Some(until) = filter.until {
        given("created_at < ?", &[time(until)]);
    }
    if let Some(as_of) = as_of.filter(|_| filter.is_of_ended()) {
        given("completed_at <= ?", &[time(as_of)]);
    }
    if let Some(Position { created_at, id }) = after {
        match filter.user {
            Some(_) => {
                given("created_at <= ?", &[time(created_at)]);
                let place = [time(created_at), Value::Text(id)];
                given("(created_at, id) < (?, ?)", &place);
            }
            None => given("id < ?", &[Value::Text(id)]),
        }
    }
    let order = match filter.user {
        Some(_) => "created_at DESC, id DESC",
        None => "id DESC",
    };
    let conditions = match conditions.is_empty() {
        true => "TRUE".to_owned(),
        false => conditions.join(" AND "),
    };
    Query {
        rows: format!("task {index} WHERE {conditions}"),
        matches,
        order,
        parameters,
    }
}
