//! Finds the tasks that match a filter, the newest first.

use concept_refinement_domain::capability::{CapabilityError, Page, Position};
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::timestamp::Timestamp;

use super::Storage;
use crate::administration::{Job, MAX_ROWS, Seat, TaskFilter};

/// Most tasks that one look finds: with its state a task may have some kilobytes.
pub(super) const CHUNK: usize = 1_000;

/// A walk through tasks in the order of a list, the newest first. Tasks that an index can
/// exclude are left out.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Which tasks match.
    pub filter: TaskFilter,
    /// Tasks that match only because they ended after this time are left out.
    pub as_of: Option<Timestamp>,
    /// The last task found.
    pub after: Option<Position>,
    /// The seat of the operator for whom it is. None: it is the host's own.
    pub seat: Option<Seat>,
    is_over: bool,
}

/// A task found by a walk.
#[derive(Clone, Debug)]
pub struct FoundTask {
    /// Its place in the order.
    pub position: Position,
    /// Its user.
    pub user_id: String,
    /// Whether it matches the whole filter.
    pub matches: bool,
}

impl Walk {
    /// For an operator.
    fn for_operator(filter: TaskFilter, after: Option<Position>, seat: Seat) -> Self {
        Self {
            filter,
            as_of: None,
            after,
            seat: Some(seat),
            is_over: false,
        }
    }

    /// For a job: through the tasks that matched when it began.
    pub(super) fn for_job(job: &Job, filter: TaskFilter, after: Option<Position>) -> Self {
        Self {
            filter,
            as_of: Some(job.created_at),
            after,
            seat: None,
            is_over: false,
        }
    }

    /// The next tasks, at most `limit`. Empty: there are no more.
    pub(super) async fn next(
        &mut self,
        store: &impl Storage,
        limit: usize,
    ) -> Result<Vec<FoundTask>, CapabilityError> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let found = store.look(self.clone(), limit).await?;
        self.is_over = found.len() < limit;
        if let Some(last) = found.last() {
            self.after = Some(last.position.clone());
        }
        Ok(found)
    }
}

pub(super) async fn page(
    store: &impl Storage,
    filter: TaskFilter,
    limit: u32,
    after: Option<Position>,
) -> Result<Page<TaskRecord>, CapabilityError> {
    let limit = limit as usize;
    let (mut positions, mut next, mut rows) = (Vec::new(), None, 0);
    let seat = store.context().seats.take().await?;
    let mut walk = Walk::for_operator(filter, after, Seat::clone(&seat));
    let mut chunk = limit.saturating_add(1);
    'walk: loop {
        let seen = walk.next(store, chunk.min(CHUNK)).await?;
        if seen.is_empty() {
            break;
        }
        chunk = chunk.saturating_mul(2);
        for FoundTask {
            position, matches, ..
        } in seen
        {
            if matches && positions.len() == limit {
                next = positions.last().cloned();
                break 'walk;
            }
            rows += 1;
            let is_last = rows >= MAX_ROWS;
            if is_last {
                next = Some(position.clone());
            }
            if matches {
                positions.push(position);
            }
            if is_last {
                break 'walk;
            }
        }
    }
    let ids = positions.into_iter().map(|position| position.id).collect();
    Ok(Page {
        items: store.some(ids, seat).await?,
        next,
    })
}

/// An engine counts by itself what its indexes and columns can decide.
pub(super) async fn count(
    store: &impl Storage,
    filter: TaskFilter,
) -> Result<u64, CapabilityError> {
    let seat = store.context().seats.take().await?;
    if !filter.is_deep() {
        return store.count_rows(filter, seat).await;
    }
    let mut walk = Walk::for_operator(filter, None, seat);
    let mut count = 0;
    loop {
        let seen = walk.next(store, CHUNK).await?;
        if seen.is_empty() {
            return Ok(count);
        }
        count += seen.iter().map(|seen| u64::from(seen.matches)).sum::<u64>();
    }
}
