//! Finds the tasks that match a filter, the newest first.
//!
//! New ids are in the order of time, so that the tasks of all users are read in the order
//! of the primary key, and no index is needed for it.

use concept_refinement_capability::administration::TaskFilter;
use concept_refinement_capability::storage::{FoundTask, Walk};
use concept_refinement_domain::capability::Position;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;

use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Text, Time, id, parameters};

pub(crate) async fn count(session: &Session<'_>, filter: &TaskFilter) -> Result<u64, Fault> {
    let query = Query::of(filter, None, None);
    let sql = format!(
        "SELECT count(*) FROM schema.task WHERE {} AND {}",
        query.conditions, query.matches
    );
    let row = query.run(session, &sql, 0).await?.into_iter().next();
    row.map_or(Ok(0), |row| Cells::of(&row).count())
}

/// The next tasks of a walk.
pub(crate) async fn look(
    session: &Session<'_>,
    walk: &Walk,
    limit: usize,
) -> Result<Vec<FoundTask>, Fault> {
    let query = Query::of(&walk.filter, walk.as_of, walk.after.as_ref());
    let rows = query.run(session, &query.select(), limit).await?;
    let found = rows.iter().map(|row| {
        let mut cells = Cells::of(row);
        let (created_at, id, user_id) = (cells.time()?, cells.id()?, cells.text()?);
        let is_given: bool = cells.get()?;
        let state: Option<&str> = cells.get()?;
        Ok(FoundTask {
            position: Position { created_at, id },
            user_id,
            matches: is_given && walk.filter.matches_deeply(state.unwrap_or_default()),
        })
    });
    found.collect()
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
        let filter = self.filter;
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
            "SELECT * FROM (SELECT created_at, id, user_id, {}, {deep} FROM schema.task \
             WHERE {} {fence}) AS task ORDER BY {order} LIMIT $8",
            self.matches, self.conditions
        )
    }

    async fn run(
        &self,
        session: &Session<'_>,
        sql: &str,
        limit: usize,
    ) -> Result<Vec<tokio_postgres::Row>, Fault> {
        let (filter, after) = (self.filter, self.after);
        let parameters = parameters![
            filter.user.as_deref().map(Text::of),
            filter.since.map(Time),
            filter.until.map(Time),
            filter.first_id().as_deref().and_then(id),
            filter.last_id().as_deref().and_then(id),
            after.map(|position| Time(position.created_at)),
            after.map(|position| id(&position.id).unwrap_or_default()),
            i64::try_from(limit).unwrap_or(i64::MAX),
            self.as_of.map(Time),
        ];
        session.query(sql, &parameters).await
    }
}
