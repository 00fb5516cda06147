//! Removes expired rows: idempotency keys, counts of past windows, old sums of money, tombstones
//! of deleted tasks, and claims that no longer decide whose is next.

use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_domain::idempotency::REMEMBERED;
use concept_refinement_domain::lease::CLAIM_REMEMBERED;
use concept_refinement_domain::spending::LEDGER_RETENTION;
use concept_refinement_domain::timestamp::Timestamp;

use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, parameters};

/// How long tombstones are kept: far longer than a garbage collection of all
/// images takes.
const TOMBSTONE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Limit per table and call: more than can have been added since the last call.
const BATCH: i64 = 1_000;

/// Hosts that do this at the same time skip each other's rows.
pub(crate) async fn expired(session: &Session<'_>, now: Timestamp) -> Result<(), Fault> {
    let remove = async |table: &str, column: &str, older: Timestamp| {
        let sql = format!(
            "DELETE FROM schema.{table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM schema.{table} \
             WHERE {column} <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))"
        );
        let parameters = parameters![Time(older), BATCH];
        session.execute(&sql, &parameters).await
    };
    futures::try_join!(
        remove("idempotency_key", "created_at", before(now, REMEMBERED)),
        remove("account", "ends_at", now),
        remove("ledger", "starts_at", before(now, LEDGER_RETENTION)),
        remove("tombstone", "deleted_at", before(now, TOMBSTONE)),
        remove("last_claim", "claimed_at", before(now, CLAIM_REMEMBERED)),
    )?;
    Ok(())
}
