//! Deliveries of webhooks, which are part of their tasks' rows.
//!
//! A final task changes only in its delivery, which is compared and swapped as a whole:
//! if two hosts decide from the same record, only one of them writes.

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DeliveryRecord, DueDelivery, Redelivery,
};
use futures::future::try_join_all;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::database::Session;
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Text, Time, id, parameters};
use crate::tasks::rows;
use crate::tasks::rows::{columns, read, record};

/// How often to try to swap a delivery; contention is rare.
const TRIES: u32 = 16;

/// SQL for deliveries that are due, except those of receivers, users, or users at a
/// receiver without further permits.
macro_rules! due_sql {
    ($comparison:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM schema.task WHERE completed_at IS NOT NULL AND delivery_due_at ",
            $comparison,
            " $1 AND receiver <> ALL ($2) AND user_id <> ALL ($3) \
             AND NOT EXISTS (SELECT FROM unnest($4, $5) AS taken (receiver, user_id) \
             WHERE taken.receiver = task.receiver AND taken.user_id = task.user_id) \
             ORDER BY delivery_due_at, completed_at LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED"
        )
    };
}

/// Claims due deliveries, except those that another host is just claiming, the
/// longest waiting ones first.
pub(crate) async fn claim(
    store: &PostgresTasks,
    mut permits: DeliveryPermits,
) -> Result<Vec<DueDelivery>, Fault> {
    let mut begun = Vec::new();
    let session = store.database.session().await?;
    loop {
        let now = store.clock.now();
        session.begin(None).await?;
        let found = due(&session, &permits, now).await?;
        let wanted = permits.free();
        let (mut claimed, mut unreadable) = (Vec::new(), Vec::<Uuid>::new());
        for row in &found {
            let id = row.try_get(0)?;
            let record = readable(id, read(&mut Cells::of(row)))?;
            let trace = record.as_ref().and_then(|record| record.trace);
            let Some((task, before)) = record.and_then(delivery_of) else {
                unreadable.push(id);
                continue;
            };
            let receiver = before.receiver();
            if !permits.has_room_for(&receiver, &task.user_id) {
                continue;
            }
            let mut after = before.clone();
            if let Some(due) = after.begin(&task, trace, now) {
                permits.take(&receiver, &task.user_id);
                claimed.push((before, after, due));
            }
        }
        let swaps = claimed
            .iter()
            .map(|(before, after, due)| swap(&session, &due.lease.task_id, before, after));
        let swapped = try_join_all(swaps).await?;
        let passed = give_up(&session, unreadable).await?;
        session.commit().await?;
        let is_exhausted = found.len() < wanted || claimed.is_empty() && passed == 0;
        let won = claimed.into_iter().zip(swapped).filter(|(_, won)| *won);
        begun.extend(won.map(|((_, _, due), _)| due));
        // Otherwise repeat: deliveries without a permit may have filled this batch, with
        // others behind them.
        if is_exhausted || permits.free() == 0 {
            return Ok(begun);
        }
    }
}

/// Deliveries that cannot be read do not become due again, because others would wait for
/// them. Returns how many there are.
async fn give_up(session: &Session<'_>, task_ids: Vec<Uuid>) -> Result<u64, Fault> {
    const SQL: &str = "UPDATE schema.task SET delivery_due_at = NULL WHERE id = ANY ($1)";
    if task_ids.is_empty() {
        return Ok(0);
    }
    tracing::error!(tasks = ?task_ids, "webhooks cannot be read, and are not delivered");
    session.execute(SQL, &parameters![task_ids]).await
}

async fn due(
    session: &Session<'_>,
    permits: &DeliveryPermits,
    now: Timestamp,
) -> Result<Vec<Row>, Fault> {
    const DUE: &str = due_sql!("<=");
    const BEYOND: &str = due_sql!(">");
    let texts = |full: Vec<_>| full.into_iter().map(Text::of).collect::<Vec<_>>();
    let (receivers, users) = (texts(permits.full_receivers()), texts(permits.full_users()));
    let (receivers_of, users_of) = permits.full_pairs().into_iter().unzip();
    let (receivers_of, users_of) = (texts(receivers_of), texts(users_of));
    let limit = i64::try_from(permits.free()).unwrap_or(i64::MAX);
    let (now, beyond) = (Time(now), Time(DeliveryRecord::beyond(now)));
    let of_now = parameters![now, receivers, users, receivers_of, users_of, limit];
    let of_beyond = parameters![beyond, receivers, users, receivers_of, users_of, limit];
    let (mut due, late) = futures::try_join!(
        session.query(DUE, &of_now),
        session.query(BEYOND, &of_beyond)
    )?;
    due.extend(late);
    Ok(due)
}

pub(crate) async fn record(
    store: &PostgresTasks,
    lease: &DeliveryLease,
    outcome: DeliveryOutcome,
    jitter: f64,
) -> Result<Fenced, Fault> {
    // The story as it is stored, for the comparison.
    const FIND: &str = concat!(
        "SELECT ",
        record!(),
        ", task.steps FROM schema.find_task ($1) AS task"
    );
    let Some(task_id) = id(&lease.task_id) else {
        return Ok(Fenced::Lost);
    };
    let session = store.database.session().await?;
    for _ in 0..TRIES {
        let Some(row) = session.query_opt(FIND, &parameters![task_id]).await? else {
            return Ok(Fenced::Lost);
        };
        let mut cells = Cells::of(&row);
        let mut record = read(&mut cells)?;
        let told = cells.text()?;
        let Some(before) = record.delivery.take() else {
            return Ok(Fenced::Lost);
        };
        let mut after = before.clone();
        let fenced = after.record(lease, outcome.clone(), jitter, store.clock.now());
        if fenced == Fenced::Lost {
            return Ok(fenced);
        }
        let attempt = after.step(record.attempt);
        store.tell_story(&mut record, &[attempt]);
        let steps = [told, record.steps.to_text()];
        if swap_with_steps(&session, &lease.task_id, [&before, &after], &steps).await? {
            return Ok(fenced);
        }
    }
    Err(Fault::Contended)
}

pub(crate) async fn redeliver(
    store: &PostgresTasks,
    user_id: &str,
    task_id: &str,
) -> Result<Redelivery, Fault> {
    let session = store.database.session_of(user_id).await?;
    for _ in 0..TRIES {
        let found = rows::find_for_user(&session, task_id).await?;
        let found = found.and_then(delivery_of);
        let Some((_, before)) = found.filter(|(task, _)| task.user_id == user_id) else {
            return Ok(Redelivery::None);
        };
        let mut after = before.clone();
        let redelivery = after.redeliver(store.clock.now());
        if redelivery != Redelivery::Requested {
            return Ok(redelivery);
        }
        if swap(&session, task_id, &before, &after).await? {
            store.hub.announce_delivery();
            store.changes.redelivered();
            return Ok(redelivery);
        }
    }
    Err(Fault::Contended)
}

pub(crate) async fn next(store: &PostgresTasks) -> Result<Option<Timestamp>, Fault> {
    const SQL: &str = "SELECT min(delivery_due_at) FROM schema.task \
         WHERE completed_at IS NOT NULL AND delivery_due_at >= 'epoch'";
    let session = store.database.session().await?;
    let row = session.query_opt(SQL, &[]).await?;
    row.map_or(Ok(None), |row| Cells::of(&row).maybe_time())
}

/// Ends the leases of all attempts.
pub(crate) async fn recover(session: &Session<'_>) -> Result<(), Fault> {
    const PENDING: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM schema.task WHERE completed_at IS NOT NULL AND delivery_due_at IS NOT NULL"
    );
    for row in session.query(PENDING, &[]).await? {
        // Unreadable deliveries are dropped when they are due.
        let record = readable("", read(&mut Cells::of(&row)))?;
        let Some((task, before)) = record.and_then(delivery_of) else {
            continue;
        };
        let mut after = before.clone();
        if after.recover() {
            swap(session, &task.id, &before, &after).await?;
        }
    }
    Ok(())
}

fn delivery_of(record: TaskRecord) -> Option<(Task, DeliveryRecord)> {
    let TaskRecord { task, delivery, .. } = record;
    Some((task, delivery?))
}

/// False: it has changed since it was read, or the task is gone, and nothing was written.
async fn swap(
    session: &Session<'_>,
    task_id: &str,
    before: &DeliveryRecord,
    after: &DeliveryRecord,
) -> Result<bool, Fault> {
    const SQL: &str = "UPDATE schema.task SET delivery = $3, delivery_due_at = $4 \
         WHERE id = $1 AND delivery = $2";
    let task_id = id(task_id).ok_or(Fault::NoId)?;
    let (before, due_at) = (rows::json(before), Time::maybe(after.due_at()));
    let after = rows::json(after);
    let (before, after) = (Text::of(&before), Text::of(&after));
    let parameters = parameters![task_id, before, after, due_at];
    Ok(session.execute(SQL, &parameters).await? > 0)
}

/// The same with the story of the task, as it was read and as it is now: an operator's
/// retry adds to it too.
async fn swap_with_steps(
    session: &Session<'_>,
    task_id: &str,
    [before, after]: [&DeliveryRecord; 2],
    [told, steps]: &[String; 2],
) -> Result<bool, Fault> {
    const SQL: &str = "UPDATE schema.task SET delivery = $3, delivery_due_at = $4, steps = $6 \
         WHERE id = $1 AND delivery = $2 AND steps = $5";
    let task_id = id(task_id).ok_or(Fault::NoId)?;
    let (before, due_at) = (rows::json(before), Time::maybe(after.due_at()));
    let after = rows::json(after);
    let (before, after) = (Text::of(&before), Text::of(&after));
    let (told, steps) = (Text::of(told), Text::of(steps));
    let parameters = parameters![task_id, before, after, due_at, told, steps];
    Ok(session.execute(SQL, &parameters).await? > 0)
}
