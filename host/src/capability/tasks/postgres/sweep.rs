//! Finding due tasks.

use concept_refinement_domain::lease::{PENDING_OVERDUE, furthest};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::PostgresTasks;
use super::database::Session;
use super::fault::Fault;
use super::rows::{columns, read};
use super::values::{Cells, Time};
use super::webhooks;

/// The longest overdue first, but for those that somebody is writing. Each
/// returned task becomes due again later.
pub(super) async fn due(store: &PostgresTasks, limit: u32) -> Result<Vec<Task>, Fault> {
    // Moves what was written before the clock was set back.
    const FOLLOW_CLOCK: &str = "UPDATE schema.task SET due_at = $1, \
         deliver_at = least(deliver_at, $1), \
         lease_until = CASE WHEN lease_until > $2 THEN $2 ELSE lease_until END \
         WHERE completed_at IS NULL AND due_at > $1";
    const DUE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM schema.task WHERE completed_at IS NULL AND due_at <= $1 \
         ORDER BY due_at, created_at, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED"
    );
    const LATER: &str = "UPDATE schema.task SET due_at = $2 WHERE id = ANY ($1)";
    let now = store.clock.now();
    let (due_at, lease_until) = furthest(store.options.lease, now);
    let (due_at, lease_until) = (Time(due_at), Time(lease_until));
    let (time, again) = (Time(now), Time(now.plus(PENDING_OVERDUE)));
    let limit = i64::from(limit);
    let session = store.database.session().await?;
    let follow = [
        (&due_at as _, Type::TIMESTAMPTZ),
        (&lease_until as _, Type::TIMESTAMPTZ),
    ];
    let of_now = [(&time as _, Type::TIMESTAMPTZ), (&limit as _, Type::INT8)];
    let (_, _, rows) = futures::try_join!(
        session.begin(None),
        session.execute(FOLLOW_CLOCK, &follow),
        session.query(DUE, &of_now),
    )?;
    let tasks = rows.iter().map(|row| Ok(read(&mut Cells::of(row))?.task));
    let tasks = tasks.collect::<Result<Vec<_>, Fault>>()?;
    let ids = rows.iter().map(|row| Ok(row.try_get(0)?));
    let ids = ids.collect::<Result<Vec<Uuid>, Fault>>()?;
    let later = [
        (&ids as _, Type::UUID_ARRAY),
        (&again as _, Type::TIMESTAMPTZ),
    ];
    futures::try_join!(session.execute(LATER, &later), session.commit())?;
    Ok(tasks)
}

pub(super) async fn next_due(session: &Session<'_>) -> Result<Option<Timestamp>, Fault> {
    const SQL: &str = "SELECT min(due_at) FROM schema.task WHERE completed_at IS NULL";
    let row = session.query_opt(SQL, &[]).await?;
    row.map_or(Ok(None), |row| Cells::of(&row).maybe_time())
}

/// Ends all leases and makes all pending and processing tasks due.
pub(super) async fn recover(store: &PostgresTasks) -> Result<u32, Fault> {
    const SQL: &str = "UPDATE schema.task SET due_at = $1, deliver_at = $1, \
         lease_until = CASE WHEN lease_until > $1 THEN $1 ELSE lease_until END \
         WHERE completed_at IS NULL";
    let now = Time(store.clock.now());
    let session = store.database.session().await?;
    let unfinished = session.execute(SQL, &[(&now, Type::TIMESTAMPTZ)]).await?;
    webhooks::recover(&session).await?;
    Ok(u32::try_from(unfinished).unwrap_or(u32::MAX))
}
