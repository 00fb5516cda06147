//! Acts on all tasks that a filter matches, a part at a time.

use std::ops::ControlFlow;

use concept_refinement_capability::administration::{Action, Job, JobProgress, NewJob, TaskFilter};
use concept_refinement_domain::capability::{Cancellation, Position};
use concept_refinement_domain::rulebook::Retry;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Row, params};

use super::super::fault::Fault;
use super::super::stored::{Json, Stored};
use super::super::writer::Step;
use super::{audit, cancel, delete, retry, search};
use crate::sqlite::statements::{self, all, run};

/// Tasks that one step reads at most: other writes wait for it.
const MAX_ROWS: usize = 1_000;

const COLUMNS: &str = "id, action, filter, created_at, ended_at, total, done, failed, \
     task_created_at, task_id";

pub(super) fn start(step: &mut Step<'_>, new: NewJob) -> Result<Job, Fault> {
    let total = new.expect;
    let job = Job {
        id: new.id,
        action: new.action,
        filter: new.filter,
        created_at: step.now,
        ended_at: None,
        total,
        done: 0,
        failed: 0,
        position: None,
    };
    save(step, &job)?;
    let target = serde_json::to_string(&job.filter).unwrap_or_default();
    audit::add(step, &new.act, job.action.as_str(), &target, total)?;
    Ok(job)
}

pub(super) fn find(connection: &Connection, id: &str) -> Result<Option<Job>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE id = ?");
    Ok(statements::find(connection, &sql, [id], read)?)
}

pub(super) fn unfinished(connection: &Connection) -> Result<Vec<String>, Fault> {
    let sql = "SELECT id FROM job WHERE ended_at IS NULL ORDER BY created_at, id";
    Ok(all(connection, sql, [], |row| row.get(0))?)
}

pub(super) fn advance(
    step: &mut Step<'_>,
    id: &str,
    new_ids: Vec<String>,
) -> Result<Option<JobProgress>, Fault> {
    let Some(mut job) = find(step.connection, id)?.filter(|job| job.ended_at.is_none()) else {
        return Ok(None);
    };
    let (mut ids, mut rows, mut is_over) = (Vec::new(), 0, true);
    let mut position = job.position.clone();
    search::walk(
        step.connection,
        &job.filter,
        Some(job.created_at),
        job.position.take(),
        |at, matches| {
            if ids.len() == new_ids.len() || rows == MAX_ROWS {
                is_over = false;
                return ControlFlow::Break(());
            }
            rows += 1;
            if matches {
                ids.push(at.id.clone());
            }
            position = Some(at);
            ControlFlow::Continue(())
        },
    )?;
    let mut created = Vec::new();
    for (id, new_id) in ids.into_iter().zip(new_ids) {
        let is_done = match job.action {
            Action::Retry if !is_newest(step.connection, &job, &id)? => false,
            Action::Retry => match retry(step, &id, new_id)? {
                Some(Retry::Created(record)) => {
                    created.push(record.task);
                    true
                }
                Some(Retry::NotFailed | Retry::Active) | None => false,
            },
            Action::Cancel => {
                matches!(cancel(step, &id)?, Some(Cancellation::Cancelled(_)))
            }
            Action::Delete | Action::Erase => delete(step, &id)?,
        };
        job.done += u64::from(is_done);
        job.failed += u64::from(!is_done);
    }
    job.position = position;
    if is_over {
        job.end(step.now);
    }
    save(step, &job)?;
    Ok(Some(JobProgress { job, created }))
}

/// Whether no later task of the same user matches.
fn is_newest(connection: &Connection, job: &Job, id: &str) -> Result<bool, Fault> {
    let sql = "SELECT user_id FROM task WHERE id = ?";
    let user: Option<String> = statements::find(connection, sql, [id], |row| row.get(0))?;
    let filter = TaskFilter {
        user,
        ..job.filter.clone()
    };
    let mut newest = None;
    let as_of = Some(job.created_at);
    search::walk(
        connection,
        &filter,
        as_of,
        None,
        |at, matches| match matches {
            true => {
                newest = Some(at.id);
                ControlFlow::Break(())
            }
            false => ControlFlow::Continue(()),
        },
    )?;
    Ok(newest.as_deref() == Some(id))
}

/// Removes those that ended before this time.
pub(super) fn prune(step: &Step<'_>, before: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM job WHERE ended_at < ?";
    run(step.connection, sql, [Stored(before)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let action: String = row.get(1)?;
    let created_at: Option<Stored<_>> = row.get(8)?;
    let id: Option<String> = row.get(9)?;
    Ok(Job {
        id: row.get(0)?,
        action: action.parse().map_err(|()| FromSqlError::InvalidType)?,
        filter: row.get::<_, Json<_>>(2)?.0,
        created_at: row.get::<_, Stored<_>>(3)?.0,
        ended_at: row.get::<_, Option<Stored<_>>>(4)?.map(|Stored(at)| at),
        total: number(5)?,
        done: number(6)?,
        failed: number(7)?,
        position: created_at
            .zip(id)
            .map(|(Stored(created_at), id)| Position { created_at, id }),
    })
}

fn save(step: &Step<'_>, job: &Job) -> Result<(), Fault> {
    let sql =
        format!("INSERT OR REPLACE INTO job ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    let position = job.position.as_ref();
    let parameters = params![
        job.id,
        job.action.as_str(),
        Json(&job.filter),
        Stored(job.created_at),
        job.ended_at.map(Stored),
        number(job.total),
        number(job.done),
        number(job.failed),
        position.map(|position| Stored(position.created_at)),
        position.map(|position| position.id.as_str()),
    ];
    run(step.connection, &sql, parameters)?;
    Ok(())
}
