//! What an operator can do to a running service: the acts of its store, and what follows
//! from them for the queue and the loops.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::administration::{
    Act, Action, Administration, JobStart, NewJob, TaskFilter,
};
use concept_refinement_domain::capability::{CapabilityError, Page, Position};
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::rulebook::{Retry, TaskRecord};
use concept_refinement_domain::task::{Task, id_at};
use rand::RngExt as _;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

/// Searches at a time that may read many tasks: they have their connections from the
/// users of the service.
const SCANS: usize = 2;

/// How long a search waits for others.
const SCAN_PATIENCE: Duration = Duration::from_secs(5);

/// Tasks per batch that are published when the queue is resumed.
const BATCH: u32 = 100;

/// The operator's hand on a host. Reading needs no more than [`Self::administration`].
#[derive(Clone)]
pub struct Operator {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// The operator's view of the store.
    pub administration: Arc<dyn Administration>,
    /// Notified of each job that starts, and of each pause and its end.
    pub started: Arc<Notify>,
    scans: Arc<Semaphore>,
}

impl Operator {
    /// With what it works on.
    pub fn new(
        host: Arc<Capabilities>,
        administration: Arc<dyn Administration>,
        started: Arc<Notify>,
    ) -> Self {
        Self {
            host,
            administration,
            started,
            scans: Arc::new(Semaphore::new(SCANS)),
        }
    }

    /// The tasks that a filter matches, newest first, at most `limit`, after a position.
    ///
    /// # Errors
    ///
    /// The store's, or too many search at the moment.
    pub async fn search(
        &self,
        filter: TaskFilter,
        limit: u32,
        after: Option<Position>,
    ) -> Result<Page<TaskRecord>, CapabilityError> {
        if !filter.is_deep() {
            return self.administration.search(filter, limit, after).await;
        }
        let administration = Arc::clone(&self.administration);
        self.scan(async move { administration.search(filter, limit, after).await })
            .await
    }

    /// How many tasks a filter matches.
    ///
    /// # Errors
    ///
    /// The store's, or too many search at the moment.
    pub async fn count(&self, filter: TaskFilter) -> Result<u64, CapabilityError> {
        let administration = Arc::clone(&self.administration);
        self.scan(async move { administration.count(filter).await })
            .await
    }

    /// A store does not stop when nobody waits any more, so the permit is returned only
    /// when it has answered.
    async fn scan<T: Send + 'static>(
        &self,
        scan: impl Future<Output = Result<T, CapabilityError>> + Send + 'static,
    ) -> Result<T, CapabilityError> {
        let busy = || CapabilityError::unavailable("Others search at the moment. Try again.");
        let permit = Arc::clone(&self.scans).acquire_owned();
        let permit = timeout(SCAN_PATIENCE, permit).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        let scan = tokio::spawn(async move {
            let scanned = scan.await;
            drop(permit);
            scanned
        });
        scan.await.map_err(|_| busy())?
    }

    /// Submits a failed task again, and publishes the new one.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn retry(&self, id: &str, act: Act) -> Result<Option<Retry>, CapabilityError> {
        let retry = self.administration.retry(id, self.new_id(), act).await?;
        if let Some(Retry::Created(record)) = &retry {
            let _ = self.publish(std::slice::from_ref(&record.task)).await;
        }
        Ok(retry)
    }

    /// Starts an act on all tasks that a filter matches.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn start_job(
        &self,
        action: Action,
        filter: TaskFilter,
        expect: u64,
        act: Act,
    ) -> Result<JobStart, CapabilityError> {
        let job = NewJob {
            id: self.new_id(),
            action,
            filter,
            expect,
            act,
        };
        let start = self.administration.start_job(job).await?;
        self.started.notify_one();
        Ok(start)
    }

    /// Pauses the queue on all hosts. False: it was paused already.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn pause(&self, act: Act) -> Result<bool, CapabilityError> {
        let changed = self.administration.set_paused(true, act).await?;
        self.host.pause.set(true);
        self.started.notify_one();
        Ok(changed)
    }

    /// Resumes the queue on all hosts, and publishes what waits, as far as the queue takes
    /// it. False: it was not paused.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn resume(&self, act: Act) -> Result<bool, CapabilityError> {
        let changed = self.administration.set_paused(false, act).await?;
        self.host.pause.set(false);
        self.started.notify_one();
        loop {
            let due = self.host.maintenance().due(BATCH).await?;
            if due.is_empty() || self.publish(&due).await.is_err() {
                return Ok(changed);
            }
        }
    }

    /// What is not published the sweep publishes.
    async fn publish(&self, tasks: &[Task]) -> Result<(), CapabilityError> {
        for task in tasks {
            self.host.queue.publish(message_for(task)).await?;
        }
        Ok(())
    }

    fn new_id(&self) -> String {
        id_at(self.host.clock.now(), rand::rng().random())
    }
}
