//! Deleting a task.

use concept_refinement_domain::timestamp::Timestamp;

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

/// If a user is given, only that user's. False: no such task. The deletion has to be
/// announced after its commit.
pub(crate) async fn delete(
    session: &Session<'_>,
    task_id: &str,
    user_id: Option<&str>,
    now: Timestamp,
) -> Result<bool, Fault> {
    const SQL: &str = concat!(
        "WITH gone AS (DELETE FROM schema.task WHERE id = $1 \
             AND user_id = coalesce($3, user_id) RETURNING id), ",
        tombstones!("id"),
        " SELECT FROM gone"
    );
    let Some(id) = id(task_id) else {
        return Ok(false);
    };
    let (user_id, now) = (Text::maybe(user_id), Time(now));
    let parameters = parameters![id, now, user_id];
    Ok(session.execute(SQL, &parameters).await? > 0)
}
