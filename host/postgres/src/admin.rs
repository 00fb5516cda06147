//! What operators see and control.

pub(crate) mod acts;
pub(crate) mod audit;
pub(crate) mod jobs;
pub(crate) mod moving;
pub(crate) mod search;

use concept_refinement_capability::Answer;
use concept_refinement_capability::administration::{
    Act, AuditEntry, Job, Oversight, QueueState, UsageQuery, UsageSum,
};
use concept_refinement_capability::storage::Audit;
use concept_refinement_domain::timestamp::Timestamp;
use tokio::sync::watch;

use crate::PostgresTasks;
use crate::changes::message::Message;
use crate::connection::database::{DEADLINE, SCAN_DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::values::{Time, parameters};
use crate::tasks::ledger;
use acts::Acts;

impl Oversight for PostgresTasks {
    fn job<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Job>> {
        self.answer(async move {
            let session = self.database.session().await?;
            jobs::find(&session, id).await
        })
    }

    fn unfinished_jobs(&self) -> Answer<'_, Vec<String>> {
        self.answer(jobs::unfinished(self))
    }

    fn queue(&self) -> Answer<'_, QueueState> {
        self.answer(queue(self))
    }

    fn is_paused(&self) -> Answer<'_, bool> {
        self.answer(async move {
            let session = self.database.session().await?;
            is_paused(&session).await
        })
    }

    fn set_paused(&self, is_paused: bool, act: Act) -> Answer<'_, bool> {
        self.answer(async move {
            let changed = match is_paused {
                true => pause(self, act).await,
                false => resume(self, act).await,
            };
            // Even after an error, because the action may have been done all the
            // same.
            self.changes.tell(Message::Operated);
            changed
        })
    }

    fn operations(&self) -> Option<watch::Receiver<()>> {
        Some(self.changes.operations())
    }

    fn audit(&self, limit: u32, before: Option<u64>) -> Answer<'_, Vec<AuditEntry>> {
        self.answer(audit::list(self, limit, before))
    }

    fn usage(&self, query: UsageQuery) -> Answer<'_, Vec<UsageSum>> {
        self.answer(ledger::sums(self, query))
    }

    fn prune_audit(&self, before: Timestamp) -> Answer<'_, ()> {
        self.answer(async move {
            let session = self.database.session().await?;
            audit::prune(&session, before).await?;
            jobs::prune(&session, before).await
        })
    }
}

/// While the queue is paused, no task is claimed or due.
pub(super) async fn is_paused(session: &Session<'_>) -> Result<bool, Fault> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM schema.queue_pause)";
    session.ask(SQL, &[]).await
}

async fn queue(store: &PostgresTasks) -> Result<QueueState, Fault> {
    // A single statement, and so one snapshot.
    const SQL: &str = "SELECT EXISTS (SELECT FROM schema.queue_pause), \
         count(*) FILTER (WHERE status = 'pending'), count(*), \
         min(created_at) FILTER (WHERE status = 'pending' AND created_at >= 'epoch') \
         FROM schema.task WHERE completed_at IS NULL";
    let session = store.database.session().await?;
    let state = session.one(SQL, &[], |cells| {
        let is_paused = cells.get()?;
        let (pending, unfinished): (u64, u64) = (cells.count()?, cells.count()?);
        Ok(QueueState {
            is_paused,
            pending,
            processing: unfinished.saturating_sub(pending),
            oldest_pending: cells.maybe_time()?,
        })
    });
    state.await
}

async fn pause(store: &PostgresTasks, act: Act) -> Result<bool, Fault> {
    const PAUSE: &str = "INSERT INTO schema.queue_pause (id, since) VALUES (0, $1) \
         ON CONFLICT DO NOTHING";
    let acts = Acts::begin(store, DEADLINE).await?;
    let since = Time(acts.now);
    let changed = acts.session.run(PAUSE, &parameters![since]).await? > 0;
    if changed {
        audit_of_queue(&acts, act, "pause").await?;
    }
    acts.commit().await?;
    // Even if it was paused already: the host that paused it may not have waited.
    wait_for_claims(store).await?;
    Ok(changed)
}

/// Waits for the claims that were made before the pause was committed. Later claims see
/// the pause: a claim first locks the table, and then reads it. (Where the database's
/// default is stricter than READ COMMITTED, a claim on its own reads as of its beginning;
/// one that begins within microseconds of the pause may still be made.)
///
/// The lock does not wait for readers such as a dump, and others do not wait for it except
/// for claims.
async fn wait_for_claims(store: &PostgresTasks) -> Result<(), Fault> {
    const LOCK: &str =
        "SET LOCAL lock_timeout = '3s'; LOCK TABLE schema.queue_pause IN EXCLUSIVE MODE";
    let session = store.database.session_within(2 * DEADLINE).await?;
    session.begin_with(LOCK).await?;
    session.commit().await
}

/// All pending tasks are due, since their messages may be lost.
async fn resume(store: &PostgresTasks, act: Act) -> Result<bool, Fault> {
    const RESUME: &str = "DELETE FROM schema.queue_pause";
    const DUE: &str = "UPDATE schema.task SET due_at = least(due_at, $1), \
             deliver_at = least(deliver_at, $1) \
         WHERE completed_at IS NULL AND status = 'pending' AND (due_at > $1 OR deliver_at > $1)";
    let acts = Acts::begin(store, SCAN_DEADLINE).await?;
    if acts.session.run(RESUME, &[]).await? == 0 {
        acts.roll_back().await?;
        return Ok(false);
    }
    let now = Time(acts.now);
    acts.session.execute(DUE, &parameters![now]).await?;
    audit_of_queue(&acts, act, "resume").await?;
    acts.commit().await?;
    store.changes.published();
    Ok(true)
}

async fn audit_of_queue(acts: &Acts<'_>, act: Act, action: &'static str) -> Result<(), Fault> {
    const SQL: &str =
        "SELECT count(*) FROM schema.task WHERE completed_at IS NULL AND status = 'pending'";
    let audit = Audit {
        act,
        action,
        target: "queue".to_owned(),
        count: acts.session.one(SQL, &[], |cells| cells.count()).await?,
    };
    audit::add(acts, &audit).await
}
