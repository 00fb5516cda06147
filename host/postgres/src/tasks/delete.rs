//! Deleting a task.

use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Text, Time, id, parameters};

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
    format!(
        "WITH gone AS (DELETE FROM schema.task WHERE id = $1 {condition} RETURNING id) \
         INSERT INTO schema.forgotten_task (id, forgotten_at) SELECT id, $2 FROM gone \
         ON CONFLICT (id) DO UPDATE SET forgotten_at = excluded.forgotten_at"
    )
}
