//! Jobs, as they are stored.

use concept_refinement_capability::administration::{Job, JobProgress, Obstacle};
use concept_refinement_capability::storage::{Audit, Part};
use concept_refinement_domain::document;
use concept_refinement_domain::timestamp::Timestamp;

use super::acts::Acts;
use super::audit;
use crate::PostgresTasks;
use crate::connection::database::{DEADLINE, SCAN_DEADLINE, Session};
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Time, id, parameters};

/// How often to try a part that deadlocks with the writes of others.
const TRIES: u32 = 3;

const COLUMNS: &str = "id, created_at, ended_at, content";

/// If there is a job with this id already, returns that one.
pub(crate) async fn insert(
    store: &PostgresTasks,
    job: Job,
    audit: &Audit,
) -> Result<Option<Job>, Fault> {
    let acts = Acts::begin(store, DEADLINE).await?;
    if write(&acts.session, &job, "DO NOTHING").await? {
        audit::add(&acts, audit).await?;
        acts.commit().await?;
        return Ok(Some(job));
    }
    let first = find(&acts.session, &job.id).await?;
    acts.roll_back().await?;
    Ok(first)
}

/// None: there is no such job, or it cannot be read.
pub(super) async fn find(session: &Session<'_>, job_id: &str) -> Result<Option<Job>, Fault> {
    let Some(id) = id(job_id) else {
        return Ok(None);
    };
    let sql = format!("SELECT {COLUMNS} FROM schema.job WHERE id = $1");
    let found = session.find(&sql, &parameters![id], read).await;
    Ok(readable(job_id, found)?.flatten())
}

pub(super) async fn unfinished(store: &PostgresTasks) -> Result<Vec<String>, Fault> {
    const SQL: &str = "SELECT id FROM schema.job WHERE ended_at IS NULL ORDER BY created_at, id";
    let session = store.database.session().await?;
    session.all(SQL, &[], |cells| cells.id()).await
}

pub(crate) async fn advance(
    store: &PostgresTasks,
    part: &Part,
) -> Result<Option<JobProgress>, Fault> {
    let mut tries = 1;
    loop {
        match try_advance(store, part).await {
            Err(fault) if fault.is_lost_race() && tries < TRIES => tries += 1,
            advanced => return advanced,
        }
    }
}

async fn try_advance(store: &PostgresTasks, part: &Part) -> Result<Option<JobProgress>, Fault> {
    const UPDATE: &str = "DO UPDATE SET ended_at = excluded.ended_at, content = excluded.content";
    // Skipped if another host is working on it.
    let take =
        format!("SELECT {COLUMNS} FROM schema.job WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED");
    let uuid = id(&part.job.id).ok_or(Fault::NoId)?;
    let mut acts = Acts::begin(store, SCAN_DEADLINE).await?;
    let job = acts.session.find(&take, &parameters![uuid], read).await;
    if readable(uuid, job)?.flatten().as_ref() != Some(&part.job) {
        acts.roll_back().await?;
        return Ok(None);
    }
    let mut outcomes = Vec::with_capacity(part.acts.len());
    for act in &part.acts {
        outcomes.push(match acts.act(act).await {
            // Nothing was written, because a task is read first.
            Err(Fault::Unreadable(_)) => Err(Obstacle::Changed),
            acted => acted?.0,
        });
    }
    let progress = part.done(outcomes, acts.now);
    write(&acts.session, &progress.job, UPDATE).await?;
    acts.commit().await?;
    Ok(Some(progress))
}

/// Removes jobs that ended before this time.
pub(super) async fn prune(session: &Session<'_>, before: Timestamp) -> Result<(), Fault> {
    const SQL: &str = "DELETE FROM schema.job WHERE ended_at < $1";
    session.execute(SQL, &parameters![Time(before)]).await
}

fn read(cells: &mut Cells<'_>) -> Result<Job, Fault> {
    let (id, created_at, ended_at) = (cells.id()?, cells.time()?, cells.maybe_time()?);
    Ok(Job {
        id,
        created_at,
        ended_at,
        ..document::read(cells.get()?)?
    })
}

/// `conflict`: what to do if there is a job with this id. False: nothing was written.
async fn write(session: &Session<'_>, job: &Job, conflict: &str) -> Result<bool, Fault> {
    let job_id = id(&job.id).ok_or(Fault::NoId)?;
    let sql = format!(
        "INSERT INTO schema.job ({COLUMNS}) VALUES ($1, $2, $3, $4) ON CONFLICT (id) {conflict}"
    );
    let (created_at, ended_at) = (Time(job.created_at), job.ended_at.map(Time));
    let parameters = parameters![job_id, created_at, ended_at, document::write(job)];
    Ok(session.run(&sql, &parameters).await? > 0)
}
