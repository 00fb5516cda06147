//! Acts on all tasks that a filter matches, a part at a time.

use concept_refinement_capability::administration::{
    Action, Job, JobProgress, JobStart, NewJob, TaskFilter,
};
use concept_refinement_domain::capability::{Cancellation, Position};
use concept_refinement_domain::rulebook::Retry;
use concept_refinement_domain::timestamp::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::acts::Acts;
use super::search::Walk;
use super::{audit, search};
use crate::PostgresTasks;
use crate::database::{SCAN_DEADLINE, Session};
use crate::fault::Fault;
use crate::values::{Cells, Text, Time, id, parameters};

/// Tasks that one step reads at most.
const MAX_ROWS: usize = 1_000;

/// How often to try a part that deadlocks with the writes of others.
const TRIES: u32 = 3;

macro_rules! columns {
    () => {
        "id, action, filter, created_at, ended_at, total, done, failed, task_created_at, task_id"
    };
}

pub(super) async fn start(store: &PostgresTasks, new: NewJob) -> Result<JobStart, Fault> {
    let acts = Acts::begin(store, SCAN_DEADLINE).await?;
    let total = search::count(&acts.session, &new.filter).await?;
    if total != new.expect {
        acts.roll_back().await?;
        return Ok(JobStart::Unexpected(total));
    }
    let job = Job {
        id: new.id,
        action: new.action,
        filter: new.filter,
        created_at: acts.now,
        ended_at: None,
        total,
        done: 0,
        failed: 0,
        position: None,
    };
    save(&acts.session, &job).await?;
    let target = json(&job.filter);
    audit::add(&acts, &new.act, job.action.as_str(), &target, total).await?;
    acts.commit().await?;
    Ok(JobStart::Started(Box::new(job)))
}

pub(super) async fn find(session: &Session<'_>, job_id: &str) -> Result<Option<Job>, Fault> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM schema.job WHERE id = $1");
    let Some(id) = id(job_id) else {
        return Ok(None);
    };
    let row = session.query_opt(SQL, &parameters![id]).await?;
    Ok(row.map(|row| read(&row)).transpose()?.flatten())
}

pub(super) async fn unfinished(session: &Session<'_>) -> Result<Vec<String>, Fault> {
    const SQL: &str = "SELECT id FROM schema.job WHERE ended_at IS NULL ORDER BY created_at, id";
    let rows = session.query(SQL, &[]).await?;
    rows.iter().map(|row| Cells::of(row).id()).collect()
}

pub(super) async fn advance(
    store: &PostgresTasks,
    id: &str,
    new_ids: &[String],
) -> Result<Option<JobProgress>, Fault> {
    let mut tries = 1;
    loop {
        match try_advance(store, id, new_ids).await {
            Err(fault) if fault.is_lost_race() && tries < TRIES => tries += 1,
            advanced => return advanced,
        }
    }
}

async fn try_advance(
    store: &PostgresTasks,
    job_id: &str,
    new_ids: &[String],
) -> Result<Option<JobProgress>, Fault> {
    // Skipped if another host is at it.
    const TAKE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM schema.job WHERE id = $1 AND ended_at IS NULL FOR NO KEY UPDATE SKIP LOCKED"
    );
    let Some(uuid) = id(job_id) else {
        return Ok(None);
    };
    let mut acts = Acts::begin(store, SCAN_DEADLINE).await?;
    let row = acts.session.query_opt(TAKE, &parameters![uuid]).await?;
    let Some(mut job) = row.map(|row| read(&row)).transpose()?.flatten() else {
        acts.roll_back().await?;
        return Ok(None);
    };
    let (ids, is_over) = next_tasks(&acts.session, &mut job, new_ids.len()).await?;
    let mut created = Vec::new();
    for (id, new_id) in ids.iter().zip(new_ids) {
        let is_done = match job.action {
            Action::Retry if !is_newest(&acts.session, &job, id).await? => false,
            Action::Retry => match acts.retry(id, new_id).await? {
                Some(Retry::Created(record)) => {
                    created.push(record.task);
                    true
                }
                Some(Retry::NotFailed | Retry::Active) | None => false,
            },
            Action::Cancel => {
                matches!(acts.cancel(id).await?, Some(Cancellation::Cancelled(_)))
            }
            Action::Delete | Action::Erase => acts.delete(id).await?,
        };
        job.done += u64::from(is_done);
        job.failed += u64::from(!is_done);
    }
    if is_over {
        job.end(acts.now);
    }
    save(&acts.session, &job).await?;
    acts.commit().await?;
    Ok(Some(JobProgress { job, created }))
}

/// The next tasks to which the job is done, at most `limit`, and whether there are no more.
async fn next_tasks(
    session: &Session<'_>,
    job: &mut Job,
    limit: usize,
) -> Result<(Vec<String>, bool), Fault> {
    let (mut ids, mut rows, mut is_over) = (Vec::new(), 0, false);
    let mut walk = Walk::new(&job.filter, Some(job.created_at), job.position.take());
    let mut position = walk.position();
    while ids.len() < limit && rows < MAX_ROWS {
        let seen = walk.next(session, limit - ids.len()).await?;
        if seen.is_empty() {
            is_over = true;
            break;
        }
        rows += seen.len();
        position = walk.position();
        let matching = seen.into_iter().filter(|seen| seen.matches);
        ids.extend(matching.map(|seen| seen.position.id));
    }
    job.position = position;
    Ok((ids, is_over))
}

/// Whether no later task of the same user matches.
async fn is_newest(session: &Session<'_>, job: &Job, task_id: &str) -> Result<bool, Fault> {
    const CHUNK: usize = 100;
    const USER: &str = "SELECT user_id FROM schema.task WHERE id = $1";
    let Some(uuid) = id(task_id) else {
        return Ok(false);
    };
    let Some(row) = session.query_opt(USER, &parameters![uuid]).await? else {
        return Ok(false);
    };
    let filter = TaskFilter {
        user: Some(Cells::of(&row).text()?),
        ..job.filter.clone()
    };
    let mut walk = Walk::new(&filter, Some(job.created_at), None);
    loop {
        let seen = walk.next(session, CHUNK).await?;
        if seen.is_empty() {
            return Ok(false);
        }
        if let Some(newest) = seen.into_iter().find(|seen| seen.matches) {
            return Ok(newest.position.id == task_id);
        }
    }
}

/// Removes those that ended before this time.
pub(super) async fn prune(session: &Session<'_>, before: Timestamp) -> Result<(), Fault> {
    const SQL: &str = "DELETE FROM schema.job WHERE ended_at < $1";
    let before = Time(before);
    session.execute(SQL, &parameters![before]).await.map(drop)
}

/// None: it cannot be read.
fn read(row: &Row) -> Result<Option<Job>, Fault> {
    let mut cells = Cells::of(row);
    let id = cells.id()?;
    let (action, filter) = (cells.text()?, cells.text()?);
    let (Ok(action), Ok(filter)) = (action.parse(), serde_json::from_str(&filter)) else {
        return Ok(None);
    };
    Ok(Some(Job {
        id,
        action,
        filter,
        created_at: cells.time()?,
        ended_at: cells.maybe_time()?,
        total: cells.count()?,
        done: cells.count()?,
        failed: cells.count()?,
        position: cells
            .maybe_time()?
            .zip(cells.get::<Option<Uuid>>()?)
            .map(|(created_at, id)| Position {
                created_at,
                id: id.to_string(),
            }),
    }))
}

async fn save(session: &Session<'_>, job: &Job) -> Result<(), Fault> {
    const SQL: &str = concat!(
        "INSERT INTO schema.job (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET \
         ended_at = excluded.ended_at, total = excluded.total, done = excluded.done, \
         failed = excluded.failed, \
         task_created_at = excluded.task_created_at, task_id = excluded.task_id"
    );
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    let job_id = id(&job.id).ok_or(Fault::NoId)?;
    let (action, filter) = (job.action.as_str(), json(&job.filter));
    let filter = Text::of(&filter);
    let (created_at, ended_at) = (Time(job.created_at), Time::maybe(job.ended_at));
    let (total, done, failed) = (number(job.total), number(job.done), number(job.failed));
    let position = job.position.as_ref();
    let task_created_at = Time::maybe(position.map(|position| position.created_at));
    let task_id = position.and_then(|position| id(&position.id));
    let parameters = parameters! {
        job_id, action, filter, created_at, ended_at, total, done, failed, task_created_at, task_id
    };
    session.execute(SQL, &parameters).await.map(drop)
}

fn json(filter: &TaskFilter) -> String {
    serde_json::to_string(filter).unwrap_or_default()
}
