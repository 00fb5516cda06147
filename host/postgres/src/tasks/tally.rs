//! Counts tasks using indexes only, since there may be millions of finished ones.

use concept_refinement_capability::tasks::Tally;

use crate::PostgresTasks;
use crate::connection::database::SCAN_DEADLINE;
use crate::connection::fault::Fault;

pub(crate) async fn count(store: &PostgresTasks) -> Result<Tally, Fault> {
    // A single statement, and so one snapshot.
    const SQL: &str = "SELECT \
         (SELECT count(*) FROM schema.task WHERE completed_at IS NULL AND status = 'pending'), \
         (SELECT count(*) FROM schema.task WHERE completed_at IS NULL), \
         (SELECT count(*) FROM schema.task WHERE completed_at IS NOT NULL), \
         (SELECT count(*) FROM schema.task WHERE status = 'failed'), \
         (SELECT min(created_at) FROM schema.task \
             WHERE completed_at IS NULL AND status = 'pending' AND created_at >= 'epoch')";
    let session = store.database.session_within(SCAN_DEADLINE).await?;
    let tally = session.one(SQL, &[], |cells| {
        let (pending, unfinished): (u64, u64) = (cells.count()?, cells.count()?);
        let (finished, failed): (u64, u64) = (cells.count()?, cells.count()?);
        Ok(Tally {
            pending,
            processing: unfinished.saturating_sub(pending),
            completed: finished.saturating_sub(failed),
            failed,
            oldest_pending: cells.maybe_time()?,
            ..Tally::default()
        })
    });
    Ok(store.hub.with_counts(tally.await?))
}
