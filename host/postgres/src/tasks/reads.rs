//! Reading tasks for users.

use concept_refinement_domain::capability::{Page, Position, TaskPage};
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::database::Session;
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Text, Time, id, parameters};
use crate::tasks::account;
use crate::tasks::rows::{self, COLUMNS, read};

/// If a user is given, only that user's.
pub(crate) async fn get(
    store: &PostgresTasks,
    user_id: Option<&str>,
    task_id: &str,
) -> Result<Option<TaskRecord>, Fault> {
    let session = match user_id {
        Some(user_id) => store.database.session_of(user_id).await?,
        None => store.database.session().await?,
    };
    let found = rows::find(&session, task_id).await?;
    let record = found.map(|stored| stored.record);
    Ok(record.filter(|record| user_id.is_none_or(|user_id| user_id == record.task.user_id)))
}

pub(crate) async fn used(
    store: &PostgresTasks,
    user_id: &str,
    window: Window,
) -> Result<u32, Fault> {
    let session = store.database.session_of(user_id).await?;
    let pseudonym = store.options.pseudonyms.of(user_id);
    let usage = account::usage(&session, &pseudonym).await?;
    Ok(usage.map_or(0, |(usage, _)| usage.used(window, store.clock.now())))
}

pub(crate) async fn list(
    store: &PostgresTasks,
    user_id: &str,
    status: Option<Status>,
    limit: u32,
    after: Option<Position>,
) -> Result<TaskPage, Fault> {
    // A literal rather than a parameter, so that the planner finds the partial index.
    let condition = match status {
        None => "",
        Some(Status::Pending) => "AND status = 'pending' AND completed_at IS NULL ",
        Some(Status::Processing) => "AND status = 'processing' AND completed_at IS NULL ",
        Some(Status::Completed) => "AND status = 'completed' ",
        Some(Status::Failed) => "AND status = 'failed' ",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM schema.task WHERE user_id = $1 {condition}\
         AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    let session = store.database.session_of(user_id).await?;
    let (created_at, id) = start(after);
    let parameters = parameters![Text::of(user_id), created_at, id, one_more(limit)];
    let rows = session.query(&sql, &parameters).await?;
    page_of(&rows, limit, |cells| Ok(read(cells)?.record))
}

/// The page of rows that begin with an id and a time, without those that cannot be read.
pub(crate) fn page_of<T>(
    rows: &[Row],
    limit: u32,
    read: impl Fn(&mut Cells<'_>) -> Result<T, Fault>,
) -> Result<Page<T>, Fault> {
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let mut cells = Cells::of(row);
        let id = cells.id()?;
        // A row without a place in the order counts as the last one.
        let created_at = readable(&id, cells.time())?;
        let item = readable(&id, read(&mut Cells::of(row)))?;
        items.extend(created_at.map(|created_at| (Position { created_at, id }, item)));
    }
    let page = Page::of(items, limit, |(position, _)| position.clone());
    let items = page.items.into_iter().filter_map(|(_, item)| item);
    Ok(Page {
        items: items.collect(),
        next: page.next,
    })
}

/// Those of these tasks that exist, with their ids, in this order. None: the task cannot be
/// read.
pub(crate) async fn some(
    session: &Session<'_>,
    task_ids: &[String],
) -> Result<Vec<(String, Option<TaskRecord>)>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM unnest($1) WITH ORDINALITY AS wanted (id, number) \
         JOIN schema.task USING (id) ORDER BY number"
    );
    let ids: Vec<_> = task_ids.iter().filter_map(|text| id(text)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.query(&sql, &parameters![ids]).await?;
    let found = rows.iter().map(|row| {
        let id = Cells::of(row).id()?;
        let stored = readable(&id, read(&mut Cells::of(row)))?;
        Ok((id, stored.map(|stored| stored.record)))
    });
    found.collect()
}

/// The sort key after which a page begins. Without a position, the greatest key. An
/// invalid id sorts before all others of the same time.
pub(crate) fn start(after: Option<Position>) -> (Time, Uuid) {
    match after {
        Some(position) => (
            Time(position.created_at),
            id(&position.id).unwrap_or_default(),
        ),
        None => (Time(Timestamp(u64::MAX)), Uuid::max()),
    }
}

/// One more than the limit, to see whether there is a next page.
pub(crate) fn one_more(limit: u32) -> i64 {
    i64::from(limit) + 1
}
