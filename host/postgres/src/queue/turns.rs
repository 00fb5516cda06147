//! Whose turn it is in a long backlog, sorted once for many fetches. To sort 10,000 tasks takes
//! Postgres 60 to 90 ms (measured), and a fetch may be for a single task.
//!
//! A short backlog is sorted in each fetch, so that a user who was never served waits for nobody.

use std::collections::VecDeque;
use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_domain::lease::CLAIM_REMEMBERED;
use concept_refinement_domain::timestamp::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, parameters};

/// Tasks beyond which a backlog is long.
const SHORT: i64 = 256;

/// More tasks than a host works on while their order counts: 64 kB.
const MAX_TURNS: i64 = 4_096;

/// How long an order counts: who is new in a long backlog may wait so long for a place in it.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The tasks whose turns are known.
#[derive(Default)]
pub(super) struct Turns {
    ids: VecDeque<Uuid>,
    read_at: Option<Instant>,
    /// Whether the last fetch found as many tasks as it asked for, so that more may wait.
    pub is_full: bool,
}

impl Turns {
    /// The next tasks, at most `limit`, which others may have claimed meanwhile. Empty: what is
    /// due has to be sorted.
    pub async fn next(
        &mut self,
        session: &Session<'_>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Uuid>, Fault> {
        if self.read_at.is_none_or(|at| at.elapsed() >= MAX_AGE) {
            self.ids.clear();
            if self.is_full {
                self.ids = read(session, now).await?;
                self.read_at = Some(Instant::now());
            }
        }
        let count = limit.min(self.ids.len());
        Ok(self.ids.drain(..count).collect())
    }
}

/// The order of what is due. Empty: the backlog is short.
async fn read(session: &Session<'_>, now: Timestamp) -> Result<VecDeque<Uuid>, Fault> {
    const SQL: &str = "SELECT schema.claim_order ($1, $2) WHERE EXISTS \
         (SELECT FROM schema.task WHERE completed_at IS NULL AND deliver_at <= $1 OFFSET $3) \
         LIMIT $4";
    let (since, now) = (Time(before(now, CLAIM_REMEMBERED)), Time(now));
    let parameters = parameters![now, since, SHORT, MAX_TURNS];
    let rows = session.query(SQL, &parameters).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
