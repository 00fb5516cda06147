//! Jobs, as they are stored.

use concept_refinement_capability::administration::{Job, JobProgress, Obstacle};
use concept_refinement_capability::storage::{Audit, Part};
use concept_refinement_domain::document;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, params};

use super::super::fault::{Fault, is_unreadable, readable};
use super::super::rows::{maybe, stored, unreadable};
use super::super::stored::Stored;
use super::super::writer::Tx;
use super::acts::act;
use super::audit;
use crate::sqlite::statements::{self, all};

const COLUMNS: &str = "id, created_at, ended_at, content";

/// If there is a job with this id already, returns that one.
pub(in super::super) fn insert(tx: &Tx<'_>, job: Job, audit: Audit) -> Result<Option<Job>, Fault> {
    if let Some(first) = find(tx.connection, &job.id)? {
        return Ok(Some(first));
    }
    audit::add(tx, audit)?;
    save(tx, &job)?;
    Ok(Some(job))
}

/// None: another process was faster.
pub(in super::super) fn advance(
    tx: &mut Tx<'_>,
    mut part: Part,
) -> Result<Option<JobProgress>, Fault> {
    if find(tx.connection, &part.job.id)?.as_ref() != Some(&part.job) {
        return Ok(None);
    }
    let mut outcomes = Vec::with_capacity(part.acts.len());
    for action in part.acts.drain(..) {
        outcomes.push(match act(tx, action) {
            // Nothing was written, because a task is read first.
            Err(Fault::Engine(error)) if is_unreadable(&error) => Err(Obstacle::Changed),
            acted => acted?.0,
        });
    }
    let progress = part.done(outcomes, tx.now);
    save(tx, &progress.job)?;
    Ok(Some(progress))
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

/// Removes jobs that ended before this time.
pub(super) fn prune(tx: &Tx<'_>, before: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM job WHERE ended_at < ?";
    tx.execute(sql, [Stored(before)])
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: row.get(0)?,
        created_at: stored(row, 1)?,
        ended_at: maybe(row, 2)?,
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
    tx.execute(&sql, parameters)
}
