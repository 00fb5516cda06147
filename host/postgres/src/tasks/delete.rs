//! Deleting a task.

use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Text, Time, id, parameters};
use crate::tasks::rows::{self, COLUMNS};

/// SQL that leaves tombstones of the tasks in `gone`, at the time `$2`: their images may then be
/// deleted too.
pub(crate) fn tombstones(task_id: &str) -> String {
    format!(
        "tombstones AS (INSERT INTO schema.tombstone (task_id, deleted_at) \
         SELECT {task_id}, $2 FROM gone \
         ON CONFLICT (task_id) DO UPDATE SET deleted_at = excluded.deleted_at)"
    )
}

/// If a user is given, only that user's. False: no such task. It belongs into a transaction,
/// and has to be announced after the commit.
pub(crate) async fn delete(
    store: &PostgresTasks,
    session: &Session<'_>,
    task_id: &str,
    user_id: Option<&str>,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Some(id) = id(task_id) else {
        return Ok(false);
    };
    let sql = format!(
        "WITH gone AS (DELETE FROM schema.task WHERE id = $1 \
             AND user_id = coalesce($3, user_id) RETURNING *), {} SELECT {COLUMNS} FROM gone AS task",
        tombstones("id")
    );
    let parameters = parameters![id, Time(now), user_id.map(Text::of)];
    let deleted = session.find(&sql, &parameters, rows::read_active).await?;
    let Some(active) = deleted else {
        return Ok(false);
    };
    if let Some(active) = active {
        store.settle(session, &active).await?;
    }
    Ok(true)
}
