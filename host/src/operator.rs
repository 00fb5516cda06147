//! The actions of operators on a running service: the actions of its store, and their
//! effects on the queue and the loops.

use std::sync::Arc;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::administration::{Act, Administration, JobStart, NewJob};
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::rulebook::Retry;
use concept_refinement_domain::task::{Task, id_at};
use rand::RngExt as _;
use tokio::sync::Notify;

/// Tasks per batch that are published when the queue is resumed.
const BATCH: u32 = 100;

/// The operator's access to a host. Reading needs only [`Self::administration`].
#[derive(Clone)]
pub struct Operator {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// The operator's view of the store.
    pub administration: Arc<dyn Administration>,
    /// Notified of each job that starts, and of each pause and its end.
    pub started: Arc<Notify>,
}

impl Operator {
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

    /// Starts an action on all tasks that match a filter.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn start_job(&self, job: NewJob) -> Result<JobStart, CapabilityError> {
        let start = self.administration.start_job(job).await?;
        self.started.notify_one();
        Ok(start)
    }

    /// Pauses the queue on all hosts, or resumes it and publishes waiting tasks, as far as
    /// the queue accepts them. False: so it was already.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn set_paused(&self, is_paused: bool, act: Act) -> Result<bool, CapabilityError> {
        let changed = self.administration.set_paused(is_paused, act).await?;
        self.host.pause.set(is_paused);
        self.started.notify_one();
        if is_paused {
            return Ok(changed);
        }
        loop {
            let due = self.host.maintenance().due(BATCH).await?;
            if due.is_empty() || self.publish(&due).await.is_err() {
                return Ok(changed);
            }
        }
    }

    /// The sweep publishes the rest.
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
