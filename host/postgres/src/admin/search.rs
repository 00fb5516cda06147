//! Finds the tasks that match a filter, the newest first.
//!
//! New ids are in the order of time, so that the tasks of all users are read in the order
//! of the primary key, and no index is needed for it.

use concept_refinement_capability::administration::{MAX_ROWS, TaskFilter};
use concept_refinement_domain::capability::{Page, Position};
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;

use crate::connection::database::Session;
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Parameter, Text, Time, id, parameters};
use crate::tasks::rows::{columns, read};

/// Most rows that one query returns: with its state a row may have some kilobytes.
pub(super) const CHUNK: usize = 1_000;

pub(super) async fn page(
    session: &Session<'_>,
    filter: &TaskFilter,
    limit: u32,
    after: Option<Position>,
) -> Result<Page<TaskRecord>, Fault> {
    let limit = limit as usize;
    let (mut positions, mut next, mut rows) = (Vec::new(), None, 0);
    let mut walk = Walk::new(filter, None, after);
    let mut chunk = limit.saturating_add(1);
    'walk: loop {
        let seen = walk.next(session, chunk.min(CHUNK)).await?;
        if seen.is_empty() {
            break;
        }
        chunk = chunk.saturating_mul(2);
        for FoundTask { position, matches } in seen {
            if matches && positions.len() == limit {
                next = positions.last().cloned();
                break 'walk;
            }
            rows += 1;
            let is_last = rows >= MAX_ROWS;
            if is_last {
                next = Some(position.clone());
            }
            if matches {
                positions.push(position);
            }
            if is_last {
                break 'walk;
            }
        }
    }
    Ok(Page {
        items: records(session, &positions).await?,
        next,
    })
}

/// The records at these positions, in their order. Tasks that were deleted meanwhile or
/// cannot be read are left out.
async fn records(session: &Session<'_>, positions: &[Position]) -> Result<Vec<TaskRecord>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM unnest($1) WITH ORDINALITY AS wanted (id, number) \
         JOIN schema.task USING (id) ORDER BY number"
    );
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let ids = positions.iter().filter_map(|position| id(&position.id));
    let ids: Vec<_> = ids.collect();
    let rows = session.query(SQL, &parameters![ids]).await?;
    let record = |row| {
        let id = Cells::of(row).id()?;
        let stored = readable(id, read(&mut Cells::of(row)))?;
        Ok(stored.map(|stored| stored.record))
    };
    rows.iter()
        .filter_map(|row| record(row).transpose())
        .collect()
}

pub(super) async fn count(session: &Session<'_>, filter: &TaskFilter) -> Result<u64, Fault> {
    if !filter.is_deep() {
        let query = Query::of(filter, None, None);
        let sql = format!(
            "SELECT count(*) FROM schema.task WHERE {} AND {}",
            query.conditions, query.matches
        );
        let row = query.run(session, &sql, 0).await?.into_iter().next();
        return row.map_or(Ok(0), |row| Cells::of(&row).count());
    }
    let mut walk = Walk::new(filter, None, None);
    let mut count = 0;
    loop {
        let seen = walk.next(session, CHUNK).await?;
        if seen.is_empty() {
            return Ok(count);
        }
        count += seen.iter().map(|seen| u64::from(seen.matches)).sum::<u64>();
    }
}

/// A task found by a walk.
pub(super) struct FoundTask {
    pub position: Position,
    pub matches: bool,
}

/// A walk through tasks in the order of a list, the newest first. Tasks that an index can
/// exclude are left out.
pub(super) struct Walk<'a> {
    filter: &'a TaskFilter,
    as_of: Option<Timestamp>,
    after: Option<Position>,
    is_over: bool,
}

impl<'a> Walk<'a> {
    /// `as_of`: tasks that match only because they ended later are left out too.
    pub fn new(filter: &'a TaskFilter, as_of: Option<Timestamp>, after: Option<Position>) -> Self {
        Self {
            filter,
            as_of,
            after,
            is_over: false,
        }
    }

    /// The last task found.
    pub fn position(&self) -> Option<Position> {
        self.after.clone()
    }

    /// The next tasks, at most `limit`. Empty: there are no more.
    pub async fn next(
        &mut self,
        session: &Session<'_>,
        limit: usize,
    ) -> Result<Vec<FoundTask>, Fault> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let query = Query::of(self.filter, self.as_of, self.after.as_ref());
        let rows = query.run(session, &query.select(), limit).await?;
        self.is_over = rows.len() < limit;
        let mut seen = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut cells = Cells::of(row);
            let (created_at, id) = (cells.time()?, cells.id()?);
            let is_given: bool = cells.get()?;
            let state: Option<&str> = cells.get()?;
            seen.push(FoundTask {
                position: Position { created_at, id },
                matches: is_given && self.filter.matches_deeply(state.unwrap_or_default()),
            });
        }
        if let Some(last) = seen.last() {
            self.after = Some(last.position.clone());
        }
        Ok(seen)
    }
}

/// A query for the tasks of a filter, whose parameters have fixed numbers.
struct Query<'a> {
    filter: &'a TaskFilter,
    as_of: Option<Timestamp>,
    after: Option<&'a Position>,
    /// Conditions for which an index is used.
    conditions: String,
    /// Conditions that are checked row by row.
    matches: String,
}

impl<'a> Query<'a> {
    fn of(filter: &'a TaskFilter, as_of: Option<Timestamp>, after: Option<&'a Position>) -> Self {
        let mut conditions = Vec::new();
        let mut given = |is_given: bool, condition: &str| {
            if is_given {
                conditions.push(condition.to_owned());
            }
        };
        let is_of_user = filter.user.is_some();
        given(is_of_user, "user_id = $1");
        given(filter.since.is_some(), "created_at >= $2");
        given(filter.until.is_some(), "created_at < $3");
        given(filter.since.is_some() && !is_of_user, "id >= $4");
        given(filter.until.is_some() && !is_of_user, "id <= $5");
        let is_dated = as_of.is_some() && filter.is_of_ended();
        given(is_dated, "completed_at <= $9");
        let place = match is_of_user {
            true => "(created_at, id) < ($6, $7)",
            false => "id < $7",
        };
        given(after.is_some(), place);
        // Literals rather than parameters, so that the planner finds the partial indexes.
        let mut matches = "TRUE".to_owned();
        if let Some(status) = filter.status {
            let condition = format!("status = '{}'", status.as_str());
            match status {
                Status::Pending | Status::Processing => {
                    given(true, &format!("completed_at IS NULL AND {condition}"));
                }
                Status::Failed if !is_of_user => given(true, &condition),
                // Most tasks are completed, and a user has few that are not, so few are
                // read in vain.
                Status::Completed | Status::Failed => matches = condition,
            }
        }
        let conditions = match conditions.is_empty() {
            true => "TRUE".to_owned(),
            false => conditions.join(" AND "),
        };
        Self {
            filter,
            as_of,
            after,
            conditions,
            matches,
        }
    }

    fn select(&self) -> String {
        let Self {
            filter,
            conditions,
            matches,
            ..
        } = self;
        let deep = match filter.is_deep() {
            true => "state",
            false => "NULL::text AS state",
        };
        let order = match filter.user {
            Some(_) => "created_at DESC, id DESC",
            None => "id DESC",
        };
        // Few tasks are active: they are sorted, rather than looked for among all tasks in
        // the order of the list.
        let fence = match filter.status {
            Some(Status::Pending | Status::Processing) => "OFFSET 0",
            _ => "",
        };
        format!(
            "SELECT * FROM (SELECT created_at, id, {matches}, {deep} FROM schema.task \
             WHERE {conditions} {fence}) AS task ORDER BY {order} LIMIT $8"
        )
    }

    async fn run(
        &self,
        session: &Session<'_>,
        sql: &str,
        limit: usize,
    ) -> Result<Vec<tokio_postgres::Row>, Fault> {
        let Self {
            filter,
            as_of,
            after,
            ..
        } = self;
        let user = Text::maybe(filter.user.as_deref());
        let (since, until) = (Time::maybe(filter.since), Time::maybe(filter.until));
        let first = filter.first_id().as_deref().and_then(id);
        let last = filter.last_id().as_deref().and_then(id);
        let created_at = Time::maybe(after.map(|position| position.created_at));
        let after_id = after.map(|position| id(&position.id).unwrap_or_default());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let as_of = Time::maybe(*as_of);
        let parameters: [Parameter<'_>; 9] = parameters! {
            user, since, until, first, last, created_at, after_id, limit, as_of
        };
        session.query(sql, &parameters).await
    }
}
