//! Fetches tasks for waiting workers of this host, and claims them in the same commit,
//! which saves a row version and a wait for the disk per task.

use std::sync::Arc;

use concept_refinement_capability::Clock;
use concept_refinement_capability::queue::Work;
use concept_refinement_domain::capability::{Claimed, Fenced, Lease};
use concept_refinement_domain::lease::PENDING_OVERDUE;
use concept_refinement_domain::message::Parsed;
use concept_refinement_domain::rulebook::{self, Claim};
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio::time::{Instant, sleep};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::database::{DEADLINE, Session};
use crate::connection::fault::{Fault, readable};
use crate::connection::group_commit::{MAX_WRITES, SHORT_LOCKS, Write};
use crate::connection::values::{Cells, Time, parameters};
use crate::queue::RETRY;
use crate::queue::turns::Turns;
use crate::tasks::claim_order::since;
use crate::tasks::rows::{StoredTask, Swap, columns, find, read};

/// Limit of tasks per fetch: as many as one commit writes.
pub(super) const MAX_FETCH: usize = MAX_WRITES;

pub(super) enum Fetched {
    /// The tasks whose turn it is, in that order.
    Tasks(Vec<Work>),
    /// No task is due; `next` is when the next one is.
    Nothing { next: Option<Timestamp> },
}

pub(super) async fn fetch(
    store: &Arc<PostgresTasks>,
    turns: &mut Turns,
    limit: usize,
) -> Result<Fetched, Fault> {
    match try_fetch(store, turns, limit, true).await {
        // Fetches without claiming, so that a task that cannot be written does not block
        // the others.
        Err(fault) if fault.is_answer() => {
            *turns = Turns::default();
            try_fetch(store, turns, limit, false).await
        }
        fetched => fetched,
    }
}

async fn try_fetch(
    store: &Arc<PostgresTasks>,
    turns: &mut Turns,
    limit: usize,
    is_claiming: bool,
) -> Result<Fetched, Fault> {
    let session = store.database.session().await?;
    let now = store.clock.now();
    let next = turns.next(&session, now, limit).await?;
    let (_, due) = futures::try_join!(session.begin_with(&SHORT_LOCKS), async {
        match next.is_empty() {
            true => sorted(&session, now, limit).await,
            false => known(&session, now, &next, limit).await,
        }
    })?;
    let found: Result<Vec<Uuid>, _> = due.iter().map(|row| row.try_get(0)).collect();
    turns.found(&next, &found?, limit);
    if due.is_empty() {
        if next.is_empty() {
            return nothing(&session).await;
        }
        session.commit().await?;
        return Ok(Fetched::Tasks(Vec::new()));
    }
    let (mut claims, mut unclaimed, mut later) = (Vec::new(), Vec::new(), Vec::<Uuid>::new());
    for (place, row) in due.iter().enumerate() {
        let id = row.try_get(0)?;
        let Some(before) = readable(id, read(&mut Cells::of(row)))? else {
            later.push(id);
            continue;
        };
        match claim(store, &before, now).filter(|_| is_claiming) {
            Some((mut after, claimed)) => {
                let noted = store.hub.take_steps(&claimed.lease.task_id);
                store.tell_story(&mut after.record, &noted);
                let swap = Swap {
                    is_claim: true,
                    ..Swap::of(after)
                };
                claims.push((place, swap, claimed, noted));
            }
            None => {
                unclaimed.push((place, before));
                later.push(id);
            }
        }
    }
    // Every transaction notes claims of users in this order, so that none deadlock.
    claims.sort_by(|(_, one, ..), (_, other, ..)| one.user_id().cmp(other.user_id()));
    let (written, put_off, committed) = futures::join!(
        join_all(claims.iter().map(|(_, swap, ..)| swap.run(&session))),
        put_off(&session, later, now.plus(PENDING_OVERDUE)),
        session.commit()
    );
    // If a statement failed, the end of its transaction rolls back everything.
    let written: Result<Vec<_>, Fault> = written.into_iter().collect();
    let written = written.and_then(|written| put_off.map(|()| written));
    let is_unknown = committed.is_err() || written.as_ref().is_err_and(|fault| !fault.is_answer());
    if is_unknown {
        for (_, swap, ..) in claims {
            give_back(store, swap.written());
        }
        return Err(written.err().or(committed.err()).unwrap_or(Fault::Timeout));
    }
    let written = match written {
        Ok(written) => written,
        Err(fault) => {
            for (_, swap, _, noted) in claims {
                store.hub.note_again(swap.task_id(), noted);
            }
            return Err(fault);
        }
    };
    let mut fetched = Vec::with_capacity(due.len());
    for (place, stored) in unclaimed {
        store.recent.put(&stored);
        let Task {
            id: task_id,
            user_id,
            ..
        } = stored.record.task;
        fetched.push((place, Work::Message(Parsed::Valid { task_id, user_id })));
    }
    for ((place, swap, claimed, noted), is_written) in claims.into_iter().zip(written) {
        // The queue has been paused meanwhile.
        if !is_written {
            store.hub.note_again(swap.task_id(), noted);
            continue;
        }
        let stored = swap.written();
        store.recent.put(&stored);
        fetched.push((place, Work::Claimed(Box::new(claimed))));
        store.announce(stored.record);
    }
    fetched.sort_by_key(|(place, _)| *place);
    Ok(Fetched::Tasks(
        fetched.into_iter().map(|(_, work)| work).collect(),
    ))
}

/// What is due, at most `limit`, of the users who were served longest ago.
async fn sorted(session: &Session<'_>, now: Timestamp, limit: usize) -> Result<Vec<Row>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM schema.due_tasks ($1, $2, $3) AS task"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let parameters = parameters![Time(now), limit, since(now)];
    session.query_prepared(SQL, &parameters).await
}

/// Those of these tasks that are still due, at most `limit`, in this order.
async fn known(
    session: &Session<'_>,
    now: Timestamp,
    ids: &[Uuid],
    limit: usize,
) -> Result<Vec<Row>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM schema.task WHERE id = ANY ($1) AND completed_at IS NULL AND deliver_at <= $2 \
         AND NOT (SELECT schema.is_paused ()) ORDER BY array_position ($1, id) LIMIT $3 \
         FOR NO KEY UPDATE SKIP LOCKED"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let parameters = parameters![ids.to_vec(), Time(now), limit];
    session.query(SQL, &parameters).await
}

/// None: its worker has to claim it. If somebody worked on the task before, the worker
/// checks it first, since its release may still be in progress.
fn claim(
    store: &PostgresTasks,
    before: &StoredTask,
    now: Timestamp,
) -> Option<(StoredTask, Claimed)> {
    if before.record.task.status != Status::Pending {
        return None;
    }
    let mut after = before.clone();
    match rulebook::claim(&mut after.record, None, store.options.lease, now).answer {
        Claim::Claimed(claimed) => Some((after, *claimed)),
        Claim::Refused | Claim::GivenUp => None,
    }
}

/// Releases a claim that may have been committed, but whose worker will not learn of it.
/// Retries until the database answers. Another host's claim of the same version is left alone;
/// while the task has an earlier version, this one may still be committed.
pub(crate) fn give_back(store: &PostgresTasks, claimed: StoredTask) {
    let StoredTask { record, version } = claimed;
    // Otherwise the claim has ended the task.
    let Some(until) = record.task.lease_until else {
        return;
    };
    let lease = Lease {
        task_id: record.task.id,
        attempt: record.attempt,
        until,
        renew_after: 0,
    };
    let database = Arc::clone(&store.database);
    let (commits, clock) = (Arc::clone(&store.commits), Arc::clone(&store.clock));
    let host = Arc::clone(&store.options.host);
    store.database.dialer.runtime.spawn(async move {
        retry_until(&*clock, until, || {
            let (database, lease, clock, host) = (&database, &lease, &clock, &host);
            let commits = &commits;
            let given_back = async move {
                let deadline = Instant::now() + DEADLINE;
                let session = database.session_until(deadline).await?;
                let Some(mut found) = find(&session, &lease.task_id).await? else {
                    return Ok(());
                };
                drop(session);
                if found.version < version {
                    return Err(Fault::Timeout);
                }
                let record = &mut found.record;
                let is_theirs = record.task.lease_until != Some(until);
                if is_theirs || rulebook::release(record, lease, clock.now()).answer == Fenced::Lost
                {
                    return Ok(());
                }
                record.steps.locate(host);
                let swap = Swap::of(found);
                match commits.write(Write::Swap(Box::new(swap)), deadline).await? {
                    true => Ok(()),
                    false => Err(Fault::Contended),
                }
            };
            given_back.boxed()
        })
        .await;
    });
}

/// Retries until the database answers, or a point in time is reached.
pub(crate) async fn retry_until<'a>(
    clock: &dyn Clock,
    until: Timestamp,
    act: impl Fn() -> BoxFuture<'a, Result<(), Fault>>,
) {
    while let Err(fault) = act().await {
        if clock.now() >= until {
            tracing::debug!(%fault, "a task is nobody's only when its lease ends");
            return;
        }
        sleep(RETRY).await;
    }
}

async fn nothing(session: &Session<'_>) -> Result<Fetched, Fault> {
    const NEXT: &str = "SELECT CASE WHEN EXISTS (SELECT FROM schema.queue_pause) THEN NULL \
         ELSE (SELECT min(deliver_at) FROM schema.task \
             WHERE completed_at IS NULL AND deliver_at >= 'epoch') END";
    // The first time, this comes after the commit: it does not matter which of them is first.
    let next = session.query_prepared(NEXT, &[]);
    let (next, ()) = futures::try_join!(next, session.commit())?;
    let next = next
        .first()
        .map_or(Ok(None), |row| Cells::of(row).maybe_time())?;
    Ok(Fetched::Nothing { next })
}

/// Delays the next delivery of tasks.
async fn put_off(session: &Session<'_>, ids: Vec<Uuid>, until: Timestamp) -> Result<(), Fault> {
    const SQL: &str = "UPDATE schema.task SET deliver_at = $2 WHERE id = ANY ($1)";
    if ids.is_empty() {
        return Ok(());
    }
    session.execute(SQL, &parameters![ids, Time(until)]).await
}
