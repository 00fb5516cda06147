//! Whose task is claimed next: that of the user who had one claimed longest ago.

use concept_refinement_capability::clock::before;
use concept_refinement_domain::lease::CLAIM_REMEMBERED;
use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, parameters};

/// Since when claims count.
pub(crate) fn since(now: Timestamp) -> Time {
    Time(before(now, CLAIM_REMEMBERED))
}

/// The ids of pending tasks.
pub(crate) async fn pending(store: &PostgresTasks, limit: u32) -> Result<Vec<String>, Fault> {
    const SQL: &str = "SELECT schema.claim_order (NULL, $1) LIMIT $2";
    let parameters = parameters![since(store.clock.now()), i64::from(limit)];
    let session = store.database.session().await?;
    session.all(SQL, &parameters, |cells| cells.id()).await
}
