//! The queue inside the store.
//!
//! The rows are the queue: `deliver_at` says when a task that nobody works on is
//! delivered next. When notified, each host fetches as many tasks as it has waiting
//! receivers, of the users who were served longest ago (of a long backlog, by an order that
//! may be a second old), and skips rows that another host is just fetching. Fetching and
//! claiming are the same commit. Tasks that a host had claimed when it died are delivered again
//! when their leases expire.

pub(crate) mod fetch;
mod turns;

use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::clock::before;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::queue::positions::Positions;
use concept_refinement_capability::queue::waiting::{Fetching, Waiting};
use concept_refinement_capability::queue::{Delivery, Receipt, TaskQueue, Work, task_named_by};
use concept_refinement_domain::capability::{CapabilityError, Lease};
use concept_refinement_domain::lease::{PENDING_OVERDUE, is_overdue};
use concept_refinement_domain::rulebook::Operation;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, id, parameters};
use crate::queue::fetch::{Fetched, MAX_FETCH, fetch, retry_until};
use crate::queue::turns::Turns;
use crate::tasks::change::apply;
use crate::tasks::rows::StoredTask;

/// Delay after an error.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// Minimum wait, in case the due rows are locked by others.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// Maximum wait until the next query: limits how late a delayed task may be delivered.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The queue that all hosts of a store share, as one of them sees it.
pub struct SharedQueue {
    store: Arc<PostgresTasks>,
    positions: Positions,
    fetching: Fetching,
}

impl SharedQueue {
    pub(super) fn start(store: Arc<PostgresTasks>) -> Self {
        Self {
            positions: Positions::of(Arc::clone(&store) as _),
            fetching: Fetching::start(|waiting| fetch_for(Arc::clone(&store), waiting)),
            store,
        }
    }

    async fn publish_task(&self, task_id: &str) -> Result<(), CapabilityError> {
        // An invalid id belongs to no task.
        let Some(id) = id(task_id) else {
            return Ok(());
        };
        // A task that this host has just accepted can be fetched already.
        let is_new = |seen: StoredTask| !is_overdue(&seen.record.task, self.store.clock.now());
        if self.store.recent.get(task_id).is_some_and(is_new) {
            self.store.changes.published();
            return Ok(());
        }
        publish(&self.store, id).await.map_err(Fault::report)
    }
}

impl TaskQueue for SharedQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        Box::pin(async move {
            let (task_id, _) = task_named_by(&message)?;
            self.publish_task(&task_id).await
        })
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        Box::pin(self.fetching.next())
    }

    fn position<'a>(&'a self, task_id: &'a str) -> Answer<'a, Option<u32>> {
        Box::pin(async { Ok(self.positions.position(task_id).await) })
    }

    /// The queue works if the store does, which is checked separately.
    fn check(&self) -> Answer<'_, ()> {
        std::future::ready(Ok(())).boxed()
    }
}

/// Fetches tasks while receivers are waiting.
async fn fetch_for(store: Arc<PostgresTasks>, waiting: Arc<Waiting>) {
    let mut wakes = store.changes.wakes();
    let mut turns = Turns::default();
    loop {
        let receivers = waiting.receivers().await.min(MAX_FETCH);
        // Wake-ups from now on are not missed.
        wakes.mark_unchanged();
        // Spawned, so that it runs to its end even if this loop is dropped: the tasks
        // that it claims are then handed to a worker or given back.
        let (store, waiting) = (Arc::clone(&store), Arc::clone(&waiting));
        let fetching = tokio::spawn(fetch_once(store, waiting, mem::take(&mut turns), receivers));
        match fetching.await {
            Ok(Ok((later, wait))) => {
                turns = later;
                if let Some(wait) = wait {
                    let _ = timeout(wait, wakes.changed()).await;
                }
            }
            Ok(Err(fault)) => {
                log_throttled!(error every minute, "no tasks can be fetched", %fault);
                sleep(RETRY).await;
            }
            Err(_) => sleep(RETRY).await,
        }
    }
}

/// The turns that are known, and how long to wait before the next fetch. None: there were tasks.
async fn fetch_once(
    store: Arc<PostgresTasks>,
    waiting: Arc<Waiting>,
    mut turns: Turns,
    receivers: usize,
) -> Result<(Turns, Option<Duration>), Fault> {
    let wait = match fetch(&store, &mut turns, receivers).await? {
        Fetched::Tasks(fetched) => {
            for work in fetched {
                waiting.hand(delivery(&store, work));
            }
            None
        }
        Fetched::Nothing { next } => {
            let now = store.clock.now();
            let wait = next.map_or(LONGEST_WAIT, |next| next.since(now));
            Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
        }
    };
    Ok((turns, wait))
}

fn delivery(store: &Arc<PostgresTasks>, work: Work) -> Delivery {
    let receipt = Taken {
        store: Arc::downgrade(store),
        task_id: work.task_id().unwrap_or_default().to_owned(),
    };
    Delivery::new(work, Box::new(receipt))
}

/// Makes an overdue task that nobody works on deliverable now. Others need no change: a
/// new task is deliverable already, and for a released one its worker sets the time.
async fn publish(store: &PostgresTasks, id: Uuid) -> Result<(), Fault> {
    const SQL: &str = "UPDATE schema.task SET deliver_at = $2 WHERE id = $1 \
         AND completed_at IS NULL AND deliver_at > $2 \
         AND (lease_until <= $2 \
             OR lease_until IS NULL AND coalesce(updated_at, created_at) <= $3)";
    let now = store.clock.now();
    let parameters = parameters![id, Time(now), Time(before(now, PENDING_OVERDUE))];
    let session = store.database.session().await?;
    session.execute_volatile(SQL, &parameters).await?;
    store.changes.published();
    Ok(())
}

/// Delays the delivery of a task that nobody works on.
async fn put_off(store: &PostgresTasks, id: Uuid, delay: Duration) -> Result<(), Fault> {
    const SQL: &str = "UPDATE schema.task SET deliver_at = $2 WHERE id = $1 \
         AND completed_at IS NULL AND (lease_until IS NULL OR lease_until <= $3)";
    let now = store.clock.now();
    let parameters = parameters![id, Time(now.plus(delay)), Time(now)];
    let session = store.database.session().await?;
    session.execute_volatile(SQL, &parameters).await?;
    // This host may be about to stop.
    store.changes.publish_now(&store.database).await
}

/// A delivered task that is neither acked nor nacked yet.
struct Taken {
    store: Weak<PostgresTasks>,
    task_id: String,
}

async fn deliver_again(
    store: &PostgresTasks,
    task_id: &str,
    delay: Duration,
    unused: Option<Lease>,
) -> Result<(), Fault> {
    if let Some(unused) = unused {
        retry_until(&*store.clock, unused.until, || {
            let lease = unused.clone();
            // If the lease was lost, there is nothing to release.
            async move { apply(store, &Operation::release(&lease)).await.map(drop) }.boxed()
        })
        .await;
    }
    match id(task_id) {
        Some(id) => put_off(store, id, delay).await,
        None => Ok(()),
    }
}

impl Receipt for Taken {
    /// If the task is not final, the sweep will find it.
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }

    fn nack(self: Box<Self>, delay: Duration, unused: Option<Lease>) -> BoxFuture<'static, ()> {
        async move {
            if let Some(store) = self.store.upgrade()
                && let Err(fault) = deliver_again(&store, &self.task_id, delay, unused).await
            {
                tracing::debug!(%fault, "a task is delivered again later than it was asked for");
            }
        }
        .boxed()
    }
}
