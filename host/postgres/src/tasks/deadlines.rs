//! Deadlines by which tasks have to have begun.

use concept_refinement_domain::rulebook::Operation;
use concept_refinement_domain::timestamp::Timestamp;
use futures::{StreamExt as _, stream};
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::fault::{Fault, readable};
use crate::connection::group_commit::MAX_WRITES;
use crate::connection::values::{Time, parameters};
use crate::tasks::change::apply;

/// Fails those tasks whose deadline has passed, and that no worker has begun. A deadline is
/// removed after its task has failed: if this is interrupted, it is looked at again.
pub(crate) async fn miss(store: &PostgresTasks, limit: u32) -> Result<u32, Fault> {
    const PASSED: &str = "SELECT task_id FROM schema.deadline WHERE at <= $1 \
         ORDER BY at, task_id LIMIT $2";
    const REMOVE: &str = "DELETE FROM schema.deadline WHERE task_id = ANY ($1)";
    let parameters = parameters![Time(store.clock.now()), i64::from(limit)];
    let passed: Vec<Uuid> = {
        let session = store.database.session().await?;
        let passed = session.all(PASSED, &parameters, |cells| cells.get());
        passed.await?
    };
    let missed = stream::iter(passed.clone()).map(|id| miss_one(store, id));
    let missed: Vec<_> = missed.buffer_unordered(MAX_WRITES).collect().await;
    missed.into_iter().collect::<Result<(), Fault>>()?;
    if !passed.is_empty() {
        let session = store.database.session().await?;
        session.execute(REMOVE, &parameters![passed]).await?;
    }
    Ok(u32::try_from(passed.len()).unwrap_or(u32::MAX))
}

/// A task that cannot be read is told of wherever it is found, and keeps no other from failing.
async fn miss_one(store: &PostgresTasks, id: Uuid) -> Result<(), Fault> {
    let operation = Operation::miss_deadline(&id.to_string());
    let missed = apply(store, &operation).await;
    readable(id, missed).map(drop)
}

pub(crate) async fn next(store: &PostgresTasks) -> Result<Option<Timestamp>, Fault> {
    const SQL: &str = "SELECT min(at) FROM schema.deadline WHERE at >= 'epoch'";
    let session = store.database.session().await?;
    session.one(SQL, &[], |cells| cells.maybe_time()).await
}
