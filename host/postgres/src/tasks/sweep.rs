//! Finding due tasks.

use concept_refinement_domain::lease::{LONGEST_INTERVAL, PENDING_OVERDUE};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Time, parameters};
use crate::tasks::rows::{COLUMNS, read};
use crate::tasks::webhooks;

/// SQL for when a task that is published again at `$1` is due next, like `due_again` of
/// the domain: `$2` is the soonest and `$3` the latest.
const AGAIN: &str = "least(greatest($1 + ($1 - CASE status WHEN 'processing' THEN lease_until \
     ELSE coalesce(updated_at, created_at) END), $2), $3)";

/// The longest overdue first, except for rows that are locked. Each returned task becomes
/// due again later.
pub(crate) async fn due(store: &PostgresTasks, limit: u32) -> Result<Vec<Task>, Fault> {
    // The latest time at which a task can be due at `$1`, like `furthest_due` of the domain.
    let furthest = format!("greatest({AGAIN}, $1 + lease * interval '1 microsecond')");
    // Corrects times that were written before the clock was set back.
    let follow_clock = format!(
        "UPDATE schema.task SET due_at = {furthest}, deliver_at = least(deliver_at, {furthest}), \
         lease_until = least(lease_until, $1 + lease * interval '1 microsecond'), \
         version = version + 1 WHERE completed_at IS NULL AND due_at > $2 AND due_at > {furthest}"
    );
    let due = format!(
        "SELECT {COLUMNS} FROM schema.task WHERE completed_at IS NULL AND due_at <= $1 \
         AND NOT EXISTS (SELECT FROM schema.queue_pause) \
         ORDER BY due_at, created_at, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED"
    );
    let later = format!("UPDATE schema.task SET due_at = {AGAIN} WHERE id = ANY ($4)");
    let now = store.clock.now();
    let times = [now, now.plus(PENDING_OVERDUE), now.plus(LONGEST_INTERVAL)];
    let [now, soonest, latest] = times.map(Time);
    let session = store.database.session().await?;
    let follow = parameters![now, soonest, latest];
    let of_now = parameters![now, i64::from(limit)];
    let (_, _, rows) = futures::try_join!(
        session.begin(None),
        session.execute(&follow_clock, &follow),
        session.query(&due, &of_now),
    )?;
    let (mut tasks, mut ids) = (Vec::new(), Vec::<Uuid>::new());
    for row in &rows {
        let id = row.try_get(0)?;
        let stored = readable(id, read(&mut Cells::of(row)))?;
        tasks.extend(stored.map(|stored| stored.record));
        ids.push(id);
    }
    let of_found = parameters![now, soonest, latest, ids];
    futures::try_join!(session.execute(&later, &of_found), session.commit())?;
    Ok(tasks)
}

pub(crate) async fn next_due(store: &PostgresTasks) -> Result<Option<Timestamp>, Fault> {
    const SQL: &str = "SELECT CASE WHEN EXISTS (SELECT FROM schema.queue_pause) THEN NULL \
         ELSE (SELECT min(due_at) FROM schema.task \
             WHERE completed_at IS NULL AND due_at >= 'epoch') END";
    let session = store.database.session().await?;
    session.one(SQL, &[], |cells| cells.maybe_time()).await
}

/// Ends all leases, and makes the processing tasks due, and those whose messages are
/// lost.
pub(crate) async fn recover(store: &PostgresTasks, are_messages_lost: bool) -> Result<u32, Fault> {
    const SQL: &str = "UPDATE schema.task SET deliver_at = $1, \
         due_at = CASE WHEN $2 OR status = 'processing' THEN $1 ELSE due_at END, \
         lease_until = CASE WHEN lease_until > $1 THEN $1 ELSE lease_until END, \
         version = version + 1 WHERE completed_at IS NULL";
    let parameters = parameters![Time(store.clock.now()), are_messages_lost];
    let session = store.database.session().await?;
    let unfinished = session.run(SQL, &parameters).await?;
    webhooks::recover(&session).await?;
    Ok(u32::try_from(unfinished).unwrap_or(u32::MAX))
}
