//! Jobs: actions on all tasks that match a filter, done in parts.

use std::collections::HashMap;

use concept_refinement_capability::administration::{
    Action, Job, JobProgress, JobStart, NewJob, Obstacle, TaskFilter,
};
use concept_refinement_domain::capability::Cancellation;
use concept_refinement_domain::document;
use concept_refinement_domain::rulebook::Choice;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use tokio_postgres::Row;

use super::acts::Acts;
use super::search::{FoundTask, Walk};
use super::{audit, search};
use crate::PostgresTasks;
use crate::connection::database::{DEADLINE, SCAN_DEADLINE, Session};
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Time, id, parameters};

/// Most tasks that one part examines.
const MAX_ROWS: usize = 1_000;

/// How often to try a part that deadlocks with the writes of others.
const TRIES: u32 = 3;

macro_rules! columns {
    () => {
        "id, created_at, ended_at, content"
    };
}

/// `total`: how many tasks match.
pub(super) async fn start(
    store: &PostgresTasks,
    new: NewJob,
    id: &str,
    total: u64,
) -> Result<JobStart, Fault> {
    let acts = Acts::begin(store, DEADLINE).await?;
    let job = new.clone().started(id.to_owned(), acts.now);
    if total == new.expect && insert(&acts.session, &job).await? {
        let (action, target) = (job.action.as_str(), job.filter.to_json());
        audit::add(&acts, &new.act, action, &target, total).await?;
        acts.commit().await?;
        return Ok(JobStart::Started(Box::new(job)));
    }
    // Perhaps the same job was started meanwhile.
    let first = find(&acts.session, id).await?;
    acts.roll_back().await?;
    Ok(match first {
        Some(first) => JobStart::Started(Box::new(first)),
        None => JobStart::Unexpected(total),
    })
}

/// None: there is no such job, or it cannot be read.
pub(super) async fn find(session: &Session<'_>, job_id: &str) -> Result<Option<Job>, Fault> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM schema.job WHERE id = $1");
    let Some(id) = id(job_id) else {
        return Ok(None);
    };
    let row = session.query_opt(SQL, &parameters![id]).await?;
    row.map_or(Ok(None), |row| readable(job_id, read(&row)))
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
    // Skipped if another host is working on it.
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
    let job = row.map(|row| readable(job_id, read(&row))).transpose()?;
    let Some(mut job) = job.flatten() else {
        acts.roll_back().await?;
        return Ok(None);
    };
    let (tasks, is_over) = next_tasks(&acts.session, &mut job, new_ids.len()).await?;
    let mut created = Vec::new();
    for (id, new_id) in tasks.iter().zip(new_ids) {
        let outcome = match act(&mut acts, job.action, id, new_id).await {
            // Nothing was written, because the job is read first.
            Err(Fault::Unreadable(_)) => Err(Obstacle::Changed),
            acted => acted?,
        };
        job.count(&outcome);
        created.extend(outcome.ok().flatten());
    }
    if is_over {
        job.end(acts.now);
    }
    save(&acts.session, &job).await?;
    acts.commit().await?;
    Ok(Some(JobProgress { job, created }))
}

/// The new task, if the action creates one.
async fn act<'a>(
    acts: &mut Acts<'a>,
    action: Action,
    id: &str,
    new_id: &'a str,
) -> Result<Result<Option<Task>, Obstacle>, Fault> {
    let is_done = match action {
        Action::Retry => {
            let retry = Obstacle::of(acts.retry(id, Choice::Filter, new_id).await?);
            return Ok(retry.map(|record| Some(record.task)));
        }
        Action::Cancel => matches!(acts.cancel(id).await?, Some(Cancellation::Cancelled(_))),
        Action::Delete | Action::Erase => acts.delete(id).await?,
    };
    Ok(match is_done {
        true => Ok(None),
        false => Err(Obstacle::Changed),
    })
}

/// The next tasks to act on, at most `limit`, and whether there are no more. Counts tasks
/// that are skipped because they are not the newest of their user.
async fn next_tasks(
    session: &Session<'_>,
    job: &mut Job,
    limit: usize,
) -> Result<(Vec<String>, bool), Fault> {
    let (mut tasks, mut rows, mut newest) = (Vec::new(), 0, HashMap::new());
    let filter = job.filter.clone();
    let mut walk = Walk::new(&filter, Some(job.created_at), job.position.clone());
    while tasks.len() < limit && rows < MAX_ROWS {
        let seen = walk.next(session, limit - tasks.len()).await?;
        if seen.is_empty() {
            return Ok((tasks, true));
        }
        rows += seen.len();
        job.position = walk.position();
        for FoundTask { position, .. } in seen.into_iter().filter(|seen| seen.matches) {
            let is_passed_over = job.action == Action::Retry
                && !is_newest(session, job, &position.id, &mut newest).await?;
            match is_passed_over {
                true => job.count::<()>(&Err(Obstacle::NotNewest)),
                false => tasks.push(position.id),
            }
        }
    }
    Ok((tasks, false))
}

/// Whether no later task of the same user matches. `newest`: caches the answer by
/// user.
async fn is_newest(
    session: &Session<'_>,
    job: &Job,
    task_id: &str,
    newest: &mut HashMap<String, Option<String>>,
) -> Result<bool, Fault> {
    const USER: &str = "SELECT user_id FROM schema.task WHERE id = $1";
    let Some(uuid) = id(task_id) else {
        return Ok(false);
    };
    let Some(row) = session.query_opt(USER, &parameters![uuid]).await? else {
        return Ok(false);
    };
    let user = Cells::of(&row).text()?;
    if let Some(newest) = newest.get(&user) {
        return Ok(newest.as_deref() == Some(task_id));
    }
    let filter = TaskFilter {
        user: Some(user.clone()),
        ..job.filter.clone()
    };
    let mut walk = Walk::new(&filter, Some(job.created_at), None);
    // It is usually among the first rows.
    let mut chunk = 10;
    let first = loop {
        let seen = walk.next(session, chunk).await?;
        if seen.is_empty() {
            break None;
        }
        if let Some(first) = seen.into_iter().find(|seen| seen.matches) {
            break Some(first.position.id);
        }
        chunk = search::CHUNK;
    };
    let is_newest = first.as_deref() == Some(task_id);
    newest.insert(user, first);
    Ok(is_newest)
}

/// Removes jobs that ended before this time.
pub(super) async fn prune(session: &Session<'_>, before: Timestamp) -> Result<(), Fault> {
    const SQL: &str = "DELETE FROM schema.job WHERE ended_at < $1";
    let before = Time(before);
    session.execute(SQL, &parameters![before]).await.map(drop)
}

fn read(row: &Row) -> Result<Job, Fault> {
    let mut cells = Cells::of(row);
    let (id, created_at, ended_at) = (cells.id()?, cells.time()?, cells.maybe_time()?);
    Ok(Job {
        id,
        created_at,
        ended_at,
        ..document::read(cells.get()?)?
    })
}

/// False: there is a job with this id already.
async fn insert(session: &Session<'_>, job: &Job) -> Result<bool, Fault> {
    write(session, job, "DO NOTHING").await
}

async fn save(session: &Session<'_>, job: &Job) -> Result<(), Fault> {
    const UPDATE: &str = "DO UPDATE SET ended_at = excluded.ended_at, content = excluded.content";
    write(session, job, UPDATE).await.map(drop)
}

/// `conflict`: what to do if there is a job with this id.
async fn write(session: &Session<'_>, job: &Job, conflict: &str) -> Result<bool, Fault> {
    const INSERT: &str = concat!(
        "INSERT INTO schema.job (",
        columns!(),
        ") VALUES ($1, $2, $3, $4) ON CONFLICT (id) "
    );
    let job_id = id(&job.id).ok_or(Fault::NoId)?;
    let (created_at, ended_at) = (Time(job.created_at), Time::maybe(job.ended_at));
    let content = document::write(job);
    let parameters = parameters![job_id, created_at, ended_at, content];
    let sql = format!("{INSERT}{conflict}");
    Ok(session.execute(&sql, &parameters).await? > 0)
}
