//! The operators' operations on tasks.

mod audit;
mod jobs;
mod search;

use std::convert::identity;

use concept_refinement_capability::Answer;
use concept_refinement_capability::administration::{
    Act, Action, Administration, AuditEntry, Job, JobProgress, JobStart, NewJob, QueueState,
    TaskFilter,
};
use concept_refinement_domain::capability::{Cancellation, Page, Position};
use concept_refinement_domain::rulebook::{Choice, Operation, Retry, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::change::apply;
use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use super::{SqliteTasks, delete, retry};
use crate::sqlite::statements::{one, run};

impl Administration for SqliteTasks {
    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<TaskRecord>> {
        let id = id.to_owned();
        Box::pin(self.read(move |connection| Ok(search::record(connection, &id)?)))
    }

    fn search(
        &self,
        filter: TaskFilter,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'_, Page<TaskRecord>> {
        let page = move |connection: &Connection| search::page(connection, &filter, limit, after);
        Box::pin(self.scan_for_operator(page))
    }

    fn count(&self, filter: TaskFilter) -> Answer<'_, u64> {
        Box::pin(self.scan_for_operator(move |connection| search::count(connection, &filter)))
    }

    fn retry<'a>(&'a self, id: &'a str, new_id: String, act: Act) -> Answer<'a, Option<Retry>> {
        let id = id.to_owned();
        Box::pin(self.write(move |tx| {
            let retry = retry::retry(tx, &id, Choice::Id, new_id)?;
            if let Some(Retry::Created(_)) = retry {
                audit::add(tx, &act, Action::Retry.as_str(), &id, 1)?;
            }
            Ok(retry)
        }))
    }

    fn cancel<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, Option<Cancellation>> {
        let id = id.to_owned();
        Box::pin(self.write(move |tx| {
            let operation = Operation::cancel_as_operator(&id, identity);
            let (cancellation, is_changed) = apply(tx, operation)?;
            if is_changed {
                audit::add(tx, &act, Action::Cancel.as_str(), &id, 1)?;
            }
            Ok(cancellation)
        }))
    }

    fn delete<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, bool> {
        let id = id.to_owned();
        Box::pin(self.write(move |tx| {
            let is_deleted = delete::delete(tx, &id, None)?;
            if is_deleted {
                audit::add(tx, &act, Action::Delete.as_str(), &id, 1)?;
            }
            Ok(is_deleted)
        }))
    }

    fn start_job(&self, job: NewJob) -> Answer<'_, JobStart> {
        Box::pin(async move {
            let id = job.id(&self.options.pseudonyms);
            if let Some(job) = self.job(&id).await? {
                return Ok(JobStart::Started(Box::new(job)));
            }
            // Not in the step that stores the job: other writes would wait for the count.
            let total = self.count(job.filter.clone()).await?;
            self.write(move |tx| jobs::start(tx, job, id, total)).await
        })
    }

    fn job<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Job>> {
        let id = id.to_owned();
        Box::pin(self.read(move |connection| jobs::find(connection, &id)))
    }

    fn unfinished_jobs(&self) -> Answer<'_, Vec<String>> {
        Box::pin(self.scan(jobs::unfinished))
    }

    fn advance_job<'a>(
        &'a self,
        id: &'a str,
        new_ids: Vec<String>,
    ) -> Answer<'a, Option<JobProgress>> {
        let (id, limit) = (id.to_owned(), new_ids.len());
        Box::pin(async move {
            // Other writes would wait for the search.
            let next = self.scan(move |connection| jobs::next(connection, &id, limit));
            let Some(next) = next.await? else {
                return Ok(None);
            };
            self.write(move |tx| jobs::advance(tx, next, new_ids)).await
        })
    }

    fn queue(&self) -> Answer<'_, QueueState> {
        Box::pin(self.scan(queue))
    }

    fn is_paused(&self) -> Answer<'_, bool> {
        Box::pin(self.read(is_paused))
    }

    fn set_paused(&self, is_paused: bool, act: Act) -> Answer<'_, bool> {
        Box::pin(self.write(move |tx| set_paused(tx, is_paused, &act)))
    }

    fn operations(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    fn audit(&self, limit: u32, before: Option<u64>) -> Answer<'_, Vec<AuditEntry>> {
        Box::pin(self.read(move |connection| audit::list(connection, limit, before)))
    }

    fn prune_audit(&self, before: Timestamp) -> Answer<'_, ()> {
        Box::pin(self.write(move |tx| {
            audit::prune(tx, before)?;
            jobs::prune(tx, before)
        }))
    }
}

/// While the queue is paused, no task is claimed or due.
pub(super) fn is_paused(connection: &Connection) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM queue_pause)";
    Ok(one(connection, sql, [], |row| row.get(0))?)
}

fn queue(connection: &Connection) -> Result<QueueState, Fault> {
    // A single statement, and so one snapshot.
    let sql = "SELECT EXISTS (SELECT 1 FROM queue_pause), (SELECT pending FROM backlog), \
         (SELECT count(*) FROM task WHERE due_at IS NOT NULL), \
         (SELECT max(0, min(created_at)) FROM task \
             WHERE due_at IS NOT NULL AND status = 'pending')";
    let state = one(connection, sql, [], |row| {
        let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        let (pending, unfinished) = (number(1)?, number(2)?);
        let oldest: Option<Stored<_>> = row.get(3)?;
        Ok(QueueState {
            is_paused: row.get(0)?,
            pending,
            processing: unfinished.saturating_sub(pending),
            oldest_pending: oldest.map(|Stored(created_at)| created_at),
        })
    });
    Ok(state?)
}

fn set_paused(tx: &mut Tx<'_>, is_paused: bool, act: &Act) -> Result<bool, Fault> {
    let changed = match is_paused {
        true => {
            let sql = "INSERT INTO queue_pause (id, since) VALUES (0, ?) ON CONFLICT DO NOTHING";
            run(tx.connection, sql, [Stored(tx.now)])?
        }
        false => run(tx.connection, "DELETE FROM queue_pause", [])?,
    };
    if changed == 0 {
        return Ok(false);
    }
    if !is_paused {
        let sql = "UPDATE task SET due_at = ?1 WHERE due_at > ?1 AND status = 'pending'";
        run(tx.connection, sql, params![Stored(tx.now)])?;
    }
    let sql = "SELECT pending FROM backlog";
    let pending = one(tx.connection, sql, [], |row| row.get::<_, i64>(0))?;
    let action = if is_paused { "pause" } else { "resume" };
    audit::add(tx, act, action, "queue", pending.unsigned_abs())?;
    Ok(true)
}
