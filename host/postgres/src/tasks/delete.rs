//! Deleting a task.

use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Text, Time, id, parameters};

/// SQL that leaves tombstones of the tasks in `gone`, at the time `$2`: their images may then be
/// deleted too.
macro_rules! tombstones {
    ($task_id:literal) => {
        concat!(
            "tombstones AS (INSERT INTO schema.tombstone (task_id, deleted_at) SELECT ",
            $task_id,
            ", $2 FROM gone \
             ON CONFLICT (task_id) DO UPDATE SET deleted_at = excluded.deleted_at)"
        )
    };
}
pub(crate) use tombstones;

/// The task's worker, if any, loses its lease. Quota is not given back, and a repeat
/// under the idempotency key still gets the first answer.
pub(crate) async fn delete(
    store: &PostgresTasks,
    user_id: &str,
    task_id: &str,
) -> Result<bool, Fault> {
    let Some(id) = id(task_id) else {
        return Ok(false);
    };
    let session = store.database.session_of(user_id).await?;
    let (user_id, now) = (Text::of(user_id), Time(store.clock.now()));
    let sql = sql("AND user_id = $3");
    let parameters = parameters![id, now, user_id];
    let is_deleted = session.execute(&sql, &parameters).await? > 0;
    if is_deleted {
        store.announce_deletion(task_id);
    }
    Ok(is_deleted)
}

/// The same for any user's task, in a transaction after which the deletion has to be
/// announced.
pub(crate) async fn of_anyone(
    session: &Session<'_>,
    task_id: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Some(id) = id(task_id) else {
        return Ok(false);
    };
    let now = Time(now);
    Ok(session.execute(&sql(""), &parameters![id, now]).await? > 0)
}

fn sql(condition: &str) -> String {
    const TOMBSTONES: &str = tombstones!("id");
    format!(
        "WITH gone AS (DELETE FROM schema.task WHERE id = $1 {condition} RETURNING id), \
         {TOMBSTONES} SELECT FROM gone"
    )
}
