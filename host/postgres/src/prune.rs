//! Removes what is remembered for a while only: idempotency keys, counts of
//! windows that are over, and names of forgotten tasks.

use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_domain::idempotency::REMEMBERED;
use concept_refinement_domain::timestamp::Timestamp;

use super::database::Session;
use super::fault::Fault;
use super::values::{Time, parameters};

/// How long deleted tasks are remembered: far longer than a pass over all images
/// takes.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// At most so many of each at once: more than can have come since the last time.
const BATCH: i64 = 1_000;

/// Hosts that do so at the same time pass each other's rows over.
pub(super) async fn expired(session: &Session<'_>, now: Timestamp) -> Result<(), Fault> {
    let remove = async |table: &str, column: &str, older: Timestamp| {
        let sql = format!(
            "DELETE FROM schema.{table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM schema.{table} \
             WHERE {column} <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))"
        );
        let older = Time(older);
        let parameters = parameters![older, BATCH];
        session.execute(&sql, &parameters).await
    };
    futures::try_join!(
        remove("idempotency_key", "created_at", before(now, REMEMBERED)),
        remove("account", "ends_at", now),
        remove("forgotten_task", "forgotten_at", before(now, FORGOTTEN)),
    )?;
    Ok(())
}
