//! Due deliveries of webhooks, which are part of their tasks. If two hosts decide from the
//! same version of a task, only one of them writes.

use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryPermits, DeliveryRecord, DueDelivery};
use futures::future::try_join_all;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::database::Session;
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Text, Time, parameters};
use crate::tasks::rows::{COLUMNS, Swap, read};

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
            let mut found = readable(id, read(&mut Cells::of(row)))?;
            let record = found.as_mut().map(|found| &mut found.record);
            let Some(TaskRecord {
                task,
                delivery: Some(delivery),
                trace,
                ..
            }) = record
            else {
                unreadable.push(id);
                continue;
            };
            let receiver = delivery.receiver();
            if !permits.has_room_for(&receiver, &task.user_id) {
                continue;
            }
            if let Some(due) = delivery.begin(task, *trace, now) {
                permits.take(&receiver, &task.user_id);
                claimed.extend(found.map(|found| (Swap::of(found), due)));
            }
        }
        let swaps = claimed.iter().map(|(swap, _)| swap.run(&session));
        let swapped = try_join_all(swaps).await?;
        let passed = give_up(&session, unreadable).await?;
        session.commit().await?;
        let is_exhausted = found.len() < wanted || claimed.is_empty() && passed == 0;
        let won = claimed.into_iter().zip(swapped).filter(|(_, won)| *won);
        begun.extend(won.map(|((_, due), _)| due));
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
    const SQL: &str = "UPDATE schema.task SET delivery_due_at = NULL, version = version + 1 \
         WHERE id = ANY ($1)";
    if task_ids.is_empty() {
        return Ok(0);
    }
    tracing::error!(tasks = ?task_ids, "webhooks cannot be read, and are not delivered");
    session.run(SQL, &parameters![task_ids]).await
}

/// Deliveries that are due, except those of receivers, users, or users at a receiver without
/// further permits.
async fn due(
    session: &Session<'_>,
    permits: &DeliveryPermits,
    now: Timestamp,
) -> Result<Vec<Row>, Fault> {
    let sql = |comparison: &str| {
        format!(
            "SELECT {COLUMNS} FROM schema.task WHERE completed_at IS NOT NULL \
             AND delivery_due_at {comparison} $1 AND receiver <> ALL ($2) AND user_id <> ALL ($3) \
             AND NOT EXISTS (SELECT FROM unnest($4, $5) AS taken (receiver, user_id) \
             WHERE taken.receiver = task.receiver AND taken.user_id = task.user_id) \
             ORDER BY delivery_due_at, completed_at LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED"
        )
    };
    let (due, late) = (sql("<="), sql(">"));
    let texts = |full: Vec<_>| full.into_iter().map(Text::of).collect::<Vec<_>>();
    let (receivers, users) = (texts(permits.full_receivers()), texts(permits.full_users()));
    let (receivers_of, users_of) = permits.full_pairs().into_iter().unzip();
    let (receivers_of, users_of) = (texts(receivers_of), texts(users_of));
    let limit = i64::try_from(permits.free()).unwrap_or(i64::MAX);
    let (now, beyond) = (Time(now), Time(DeliveryRecord::beyond(now)));
    let of_now = parameters![now, receivers, users, receivers_of, users_of, limit];
    let of_beyond = parameters![beyond, receivers, users, receivers_of, users_of, limit];
    let (mut due, late) = futures::try_join!(
        session.query(&due, &of_now),
        session.query(&late, &of_beyond)
    )?;
    due.extend(late);
    Ok(due)
}

pub(crate) async fn next(store: &PostgresTasks) -> Result<Option<Timestamp>, Fault> {
    const SQL: &str = "SELECT min(delivery_due_at) FROM schema.task \
         WHERE completed_at IS NOT NULL AND delivery_due_at >= 'epoch'";
    let session = store.database.session().await?;
    session.one(SQL, &[], |cells| cells.maybe_time()).await
}

/// Ends the leases of all attempts.
pub(crate) async fn recover(session: &Session<'_>) -> Result<(), Fault> {
    let pending = format!(
        "SELECT {COLUMNS} FROM schema.task \
         WHERE completed_at IS NOT NULL AND delivery_due_at IS NOT NULL"
    );
    for row in session.query(&pending, &[]).await? {
        // Unreadable deliveries are dropped when they are due.
        let Some(mut task) = readable("", read::<TaskRecord>(&mut Cells::of(&row)))? else {
            continue;
        };
        let delivery = task.record.delivery.as_mut();
        if delivery.is_some_and(DeliveryRecord::recover) {
            Swap::of(task).run(session).await?;
        }
    }
    Ok(())
}
