//! What operators see and control.

pub(super) mod acts;
pub(super) mod audit;
pub(super) mod jobs;
pub(super) mod search;

use concept_refinement_capability::Answer;
use concept_refinement_capability::administration::{
    Act, AuditEntry, Job, Oversight, QueueState, UsageQuery, UsageSum,
};
use concept_refinement_capability::storage::Audit;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::Connection;
use tokio::sync::watch;

use super::SqliteTasks;
use super::fault::Fault;
use super::ledger;
use super::rows::maybe;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::one;

impl Oversight for SqliteTasks {
    fn job<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Job>> {
        let id = id.to_owned();
        self.read(move |connection| jobs::find(connection, &id))
    }

    fn unfinished_jobs(&self) -> Answer<'_, Vec<String>> {
        self.scan(jobs::unfinished)
    }

    fn queue(&self) -> Answer<'_, QueueState> {
        self.scan(queue)
    }

    fn is_paused(&self) -> Answer<'_, bool> {
        self.read(is_paused)
    }

    fn set_paused(&self, is_paused: bool, act: Act) -> Answer<'_, bool> {
        self.write(move |tx| set_paused(tx, is_paused, act))
    }

    fn operations(&self) -> Option<watch::Receiver<()>> {
        None
    }

    fn audit(&self, limit: u32, before: Option<u64>) -> Answer<'_, Vec<AuditEntry>> {
        self.read(move |connection| audit::list(connection, limit, before))
    }

    fn usage(&self, query: UsageQuery) -> Answer<'_, Vec<UsageSum>> {
        self.scan(move |connection| ledger::sums(connection, query))
    }

    fn prune_audit(&self, before: Timestamp) -> Answer<'_, ()> {
        self.write(move |tx| {
            audit::prune(tx, before)?;
            jobs::prune(tx, before)
        })
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
        Ok(QueueState {
            is_paused: row.get(0)?,
            pending,
            processing: unfinished.saturating_sub(pending),
            oldest_pending: maybe(row, 3)?,
        })
    });
    Ok(state?)
}

fn set_paused(tx: &mut Tx<'_>, is_paused: bool, act: Act) -> Result<bool, Fault> {
    let changed = match is_paused {
        true => {
            let sql = "INSERT INTO queue_pause (id, since) VALUES (0, ?) ON CONFLICT DO NOTHING";
            tx.run(sql, [Stored(tx.now)])?
        }
        false => tx.run("DELETE FROM queue_pause", [])?,
    };
    if changed == 0 {
        return Ok(false);
    }
    if !is_paused {
        let sql = "UPDATE task SET due_at = ?1 WHERE due_at > ?1 AND status = 'pending'";
        tx.execute(sql, [Stored(tx.now)])?;
    }
    let sql = "SELECT pending FROM backlog";
    let pending = one(tx.connection, sql, [], |row| row.get::<_, i64>(0))?;
    let action = if is_paused { "pause" } else { "resume" };
    let audit = Audit {
        act,
        action,
        target: "queue".to_owned(),
        count: pending.unsigned_abs(),
    };
    audit::add(tx, audit)?;
    Ok(true)
}
