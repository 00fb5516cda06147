//! Deleting a task.

use super::PostgresTasks;
use super::fault::Fault;
use super::values::{Text, Time, id, parameters};

/// The task's worker, if any, loses its lease. Quota is not given back, and a repeat
/// under the idempotency key still gets the first answer.
pub(super) async fn delete(
    store: &PostgresTasks,
    user_id: &str,
    task_id: &str,
) -> Result<bool, Fault> {
    const SQL: &str = "WITH gone AS (DELETE FROM schema.task \
             WHERE id = $1 AND user_id = $2 RETURNING id) \
         INSERT INTO schema.forgotten_task (id, forgotten_at) SELECT id, $3 FROM gone \
         ON CONFLICT (id) DO UPDATE SET forgotten_at = excluded.forgotten_at";
    let Some(id) = id(task_id) else {
        return Ok(false);
    };
    let session = store.database.session_of(user_id).await?;
    let (user_id, now) = (Text::of(user_id), Time(store.clock.now()));
    let parameters = parameters![id, user_id, now];
    let is_deleted = session.execute(SQL, &parameters).await? > 0;
    if is_deleted {
        store.announce_deletion(task_id);
    }
    Ok(is_deleted)
}
