//! Jobs: actions on all tasks that match a filter, done in parts.

use std::collections::HashMap;
use std::ops::ControlFlow;

use concept_refinement_capability::administration::{
    Action, Job, JobProgress, JobStart, NewJob, Obstacle, TaskFilter,
};
use concept_refinement_domain::capability::{Cancellation, Position};
use concept_refinement_domain::document;
use concept_refinement_domain::rulebook::{Choice, Operation};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, params};

use super::super::change::apply;
use super::super::delete::delete;
use super::super::fault::{Fault, is_unreadable, readable};
use super::super::retry::retry;
use super::super::rows::unreadable;
use super::super::stored::Stored;
use super::super::writer::Tx;
use super::{audit, search};
use crate::sqlite::statements::{self, all, run};

/// Most tasks that one part examines.
const MAX_ROWS: usize = 1_000;

const COLUMNS: &str = "id, created_at, ended_at, content";

/// The next part of a job.
pub(super) struct Part {
    /// The job before this part.
    job: Job,
    /// The tasks to act on.
    tasks: Vec<String>,
    /// Tasks that are skipped, because they are not the newest of their user.
    not_newest: u64,
    position: Option<Position>,
    is_over: bool,
}

/// `total`: how many tasks match.
pub(super) fn start(
    tx: &mut Tx<'_>,
    new: NewJob,
    id: String,
    total: u64,
) -> Result<JobStart, Fault> {
    if let Some(job) = find(tx.connection, &id)? {
        return Ok(JobStart::Started(Box::new(job)));
    }
    if total != new.expect {
        return Ok(JobStart::Unexpected(total));
    }
    let (action, target) = (new.action.as_str(), new.filter.to_json());
    audit::add(tx, &new.act, action, &target, total)?;
    let job = new.started(id, tx.now);
    save(tx, &job)?;
    Ok(JobStart::Started(Box::new(job)))
}

/// None: there is no such job, or it cannot be read.
pub(super) fn find(connection: &Connection, id: &str) -> Result<Option<Job>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE id = ?");
    let found = statements::find(connection, &sql, [id], read);
    Ok(readable(id, found)?.flatten())
}

pub(super) fn unfinished(connection: &Connection) -> Result<Vec<String>, Fault> {
    let sql = "SELECT id FROM job WHERE ended_at IS NULL ORDER BY created_at, id";
    Ok(all(connection, sql, [], |row| row.get(0))?)
}

/// The next part: at most `limit` tasks to act on. None: there is no such job, or it has
/// ended.
pub(super) fn next(connection: &Connection, id: &str, limit: usize) -> Result<Option<Part>, Fault> {
    let Some(job) = find(connection, id)?.filter(|job| job.ended_at.is_none()) else {
        return Ok(None);
    };
    let mut part = Part {
        tasks: Vec::new(),
        not_newest: 0,
        position: job.position.clone(),
        is_over: true,
        job: job.clone(),
    };
    let (mut rows, mut newest) = (0, HashMap::new());
    let (as_of, after) = (Some(job.created_at), job.position.clone());
    search::walk(connection, &job.filter, as_of, after, |at, matches| {
        if part.tasks.len() == limit || rows == MAX_ROWS {
            part.is_over = false;
            return Ok(ControlFlow::Break(()));
        }
        rows += 1;
        if matches {
            let is_passed_over =
                job.action == Action::Retry && !is_newest(connection, &job, &at.id, &mut newest)?;
            match is_passed_over {
                true => part.not_newest += 1,
                false => part.tasks.push(at.id.clone()),
            }
        }
        part.position = Some(at);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Some(part))
}

/// None: another process was faster.
pub(super) fn advance(
    tx: &mut Tx<'_>,
    part: Part,
    new_ids: Vec<String>,
) -> Result<Option<JobProgress>, Fault> {
    let mut job = part.job;
    if find(tx.connection, &job.id)?.as_ref() != Some(&job) {
        return Ok(None);
    }
    let mut created = Vec::new();
    for (id, new_id) in part.tasks.into_iter().zip(new_ids) {
        let outcome = match act(tx, job.action, &id, new_id) {
            // Nothing was written, because the job is read first.
            Err(Fault::Engine(error)) if is_unreadable(&error) => Err(Obstacle::Changed),
            acted => acted?,
        };
        job.count(&outcome);
        created.extend(outcome.ok().flatten());
    }
    for _ in 0..part.not_newest {
        job.count::<()>(&Err(Obstacle::NotNewest));
    }
    job.position = part.position;
    if part.is_over {
        job.end(tx.now);
    }
    save(tx, &job)?;
    Ok(Some(JobProgress { job, created }))
}

/// The new task, if the action creates one.
fn act(
    tx: &mut Tx<'_>,
    action: Action,
    id: &str,
    new_id: String,
) -> Result<Result<Option<Task>, Obstacle>, Fault> {
    fn done(is_done: bool) -> Result<Option<Task>, Obstacle> {
        match is_done {
            true => Ok(None),
            false => Err(Obstacle::Changed),
        }
    }
    match action {
        Action::Retry => {
            let retry = retry(tx, id, Choice::Filter, new_id)?;
            Ok(Obstacle::of(retry).map(|record| Some(record.task)))
        }
        Action::Cancel => {
            let operation = Operation::cancel_as_operator(id, |cancellation| {
                done(matches!(cancellation, Some(Cancellation::Cancelled(_))))
            });
            Ok(apply(tx, operation)?.0)
        }
        Action::Delete | Action::Erase => Ok(done(delete(tx, id, None)?)),
    }
}

/// Whether no later task of the same user matches. `newest`: caches the answer by
/// user.
fn is_newest(
    connection: &Connection,
    job: &Job,
    id: &str,
    newest: &mut HashMap<String, Option<String>>,
) -> Result<bool, Fault> {
    let sql = "SELECT user_id FROM task WHERE id = ?";
    let user = statements::find(connection, sql, [id], |row| row.get::<_, String>(0))?;
    let Some(user) = user else {
        return Ok(false);
    };
    if let Some(newest) = newest.get(&user) {
        return Ok(newest.as_deref() == Some(id));
    }
    let filter = TaskFilter {
        user: Some(user.clone()),
        ..job.filter.clone()
    };
    let mut first = None;
    let as_of = Some(job.created_at);
    search::walk(connection, &filter, as_of, None, |at, matches| {
        Ok(match matches {
            true => {
                first = Some(at.id);
                ControlFlow::Break(())
            }
            false => ControlFlow::Continue(()),
        })
    })?;
    let is_newest = first.as_deref() == Some(id);
    newest.insert(user, first);
    Ok(is_newest)
}

/// Removes jobs that ended before this time.
pub(super) fn prune(tx: &Tx<'_>, before: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM job WHERE ended_at < ?";
    run(tx.connection, sql, [Stored(before)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: row.get(0)?,
        created_at: row.get::<_, Stored<_>>(1)?.0,
        ended_at: row.get::<_, Option<Stored<_>>>(2)?.map(|Stored(at)| at),
        ..document::read(row.get_ref(3)?.as_str()?).map_err(unreadable)?
    })
}

fn save(tx: &Tx<'_>, job: &Job) -> Result<(), Fault> {
    let sql = format!("INSERT OR REPLACE INTO job ({COLUMNS}) VALUES (?, ?, ?, ?)");
    let parameters = params![
        job.id,
        Stored(job.created_at),
        job.ended_at.map(Stored),
        document::write(job),
    ];
    run(tx.connection, &sql, parameters)?;
    Ok(())
}
