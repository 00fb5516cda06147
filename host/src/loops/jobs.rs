//! Continues the jobs of operators: actions on all tasks that match a filter.
//!
//! A job is stored, and each of its parts is one step, so that it may be interrupted at
//! any moment, and any host can continue it.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::administration::Administration;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::id_at;
use rand::RngExt as _;
use tokio::sync::{Notify, watch};

/// Tasks per part of a job: other writes wait for it.
const BATCH: usize = 50;

/// How often to look for jobs that another process has left, and whether the queue is
/// paused.
const INTERVAL: Duration = Duration::from_secs(10);

/// The jobs of one host.
pub struct Jobs {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// The store of the jobs.
    pub administration: Arc<dyn Administration>,
    /// Used for timers.
    pub runtime: Arc<dyn Runtime>,
    /// Notified of each job that starts, and of each pause and its end.
    pub started: Arc<Notify>,
}

impl Jobs {
    /// Works for ever.
    pub async fn run(self) {
        let mut operations = self.administration.operations();
        loop {
            if let Err(error) = self.round().await {
                log_throttled!(error every minute, "no job can be worked on", %error);
            }
            tokio::select! {
                () = self.started.notified() => {}
                () = change(&mut operations) => {}
                () = self.runtime.sleep(INTERVAL) => {}
            }
        }
    }

    async fn round(&self) -> Result<(), CapabilityError> {
        self.look_at_pause().await?;
        let mut round = Ok(());
        for id in self.administration.unfinished_jobs().await? {
            // A job that cannot continue does not block the others: on a full disk, a
            // deletion frees the space that a retry needs.
            round = round.and(self.finish(&id).await);
        }
        round
    }

    async fn look_at_pause(&self) -> Result<(), CapabilityError> {
        let is_paused = self.administration.is_paused().await?;
        self.host.pause.set(is_paused);
        Ok(())
    }

    async fn finish(&self, id: &str) -> Result<(), CapabilityError> {
        let job = self.administration.job(id).await?;
        let Some(job) = job.filter(|job| job.ended_at.is_none()) else {
            return Ok(());
        };
        if let Some(user_id) = job.erased_user() {
            // This comes before the end of the job: a job that is interrupted here has
            // not ended.
            self.host.erase_user(user_id).await?;
        }
        loop {
            let now = self.host.clock.now();
            let ids = (0..BATCH)
                .map(|_| id_at(now, rand::rng().random()))
                .collect();
            let Some(progress) = self.administration.advance_job(id, ids).await? else {
                return Ok(());
            };
            for task in &progress.created {
                // If this fails, the sweep publishes it.
                let _ = self.host.queue.publish(message_for(task)).await;
            }
            if progress.job.ended_at.is_some() {
                return Ok(());
            }
            // Jobs may be long.
            self.look_at_pause().await?;
        }
    }
}

/// Completes at the next change; never, if there is none.
async fn change(operations: &mut Option<watch::Receiver<()>>) {
    if let Some(operations) = operations
        && operations.changed().await.is_ok()
    {
        return;
    }
    pending().await
}
