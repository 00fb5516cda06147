//! Whose turn it is in a long backlog, sorted once for many fetches. To sort 10,000 tasks takes
//! Postgres 60 to 90 ms (measured), and a fetch may be for a single task.
//!
//! A short backlog is sorted in each fetch, so that a user who was never served waits for nobody.

use std::collections::VecDeque;
use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, parameters};
use crate::tasks::claim_order::since;

/// Tasks beyond which a backlog is long.
const SHORT: i64 = 256;

/// More tasks than a host works on while their order counts: 64 kB.
const MAX_TURNS: i64 = 4_096;

/// How many are looked at in one query: if others take them, it need not be repeated for each.
const AT_ONCE: usize = 64;

/// How long an order counts: who is new in a long backlog may wait so long for a place in it.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The tasks whose turns are known.
#[derive(Default)]
pub(super) struct Turns {
    ids: VecDeque<Uuid>,
    read_at: Option<Instant>,
    /// The last fetch found as many tasks as it asked for.
    may_be_long: bool,
}

impl Turns {
    /// The next tasks, some more than `limit`, since others may have claimed them meanwhile.
    /// Empty: what is due has to be sorted.
    pub async fn next(
        &mut self,
        session: &Session<'_>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Uuid>, Fault> {
        if self.read_at.is_none_or(|at| at.elapsed() >= MAX_AGE) {
            self.ids.clear();
            if self.may_be_long {
                self.ids = read(session, now).await?;
                self.read_at = Some(Instant::now());
            }
        }
        Ok(self.ids.iter().take(limit.max(AT_ONCE)).copied().collect())
    }

    /// Which of the `next` tasks, or of all that are due, were found, at most `limit`.
    pub fn found(&mut self, next: &[Uuid], found: &[Uuid], limit: usize) {
        self.may_be_long = found.len() == limit;
        let last = found.last().filter(|_| self.may_be_long);
        let place = last.and_then(|last| next.iter().position(|id| id == last));
        self.ids
            .drain(..place.map_or(next.len(), |place| place + 1));
    }
}

/// The order of what is due. Empty: the backlog is short.
async fn read(session: &Session<'_>, now: Timestamp) -> Result<VecDeque<Uuid>, Fault> {
    const SQL: &str = "SELECT schema.claim_order ($1, $2) WHERE EXISTS \
         (SELECT FROM schema.task WHERE completed_at IS NULL AND deliver_at <= $1 OFFSET $3) \
         LIMIT $4";
    let parameters = parameters![Time(now), since(now), SHORT, MAX_TURNS];
    let ids: Vec<Uuid> = session.all(SQL, &parameters, |cells| cells.get()).await?;
    Ok(ids.into())
}
