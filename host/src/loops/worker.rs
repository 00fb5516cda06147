//! Takes messages from the queue, and hands each to a processor.
//!
//! The number of tasks in flight is limited, and nothing polls. All writes of a processor
//! are fenced by its lease, so it can be stopped at any moment without losing anything.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::log_throttle::LONG_INTERVAL;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::processor::{ClaimedLease, Outcome, Processor, Run};
use concept_refinement_capability::queue::Delivery;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_capability::slots::{Slot, Slots};
use concept_refinement_domain::step::StepKind;
use concept_refinement_runtime::metrics::series::Active;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::pending_releases::PendingReleases;
use crate::metrics::Metrics;

/// How much longer than the task's own time limit a run may take before it is aborted
/// from outside.
pub const SLACK: Duration = Duration::from_secs(10);

/// Delay before a message is delivered again. Its slot stays taken for that time, so that
/// a failing store is not overloaded.
const REDELIVERY_DELAY: Duration = Duration::from_secs(1);

/// Why a task whose model cannot continue is tried again later.
const NO_MEMORY: &str = "There is no memory for the model at the moment.";

/// Delay between attempts to read a queue that fails.
const UNREADABLE: Duration = Duration::from_secs(1);

/// The worker of one host.
pub struct Worker {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// Processes the tasks.
    pub processor: Arc<dyn Processor>,
    /// Used for timers and spawning.
    pub runtime: Arc<dyn Runtime>,
    /// One slot for each task in flight, shared by all loops.
    pub slots: Arc<Slots>,
    /// Messages that a loop waits for at a time, each with a slot. A queue that knows its
    /// receivers can hand over that many at once.
    pub receivers: usize,
    /// Time limit for a whole task.
    pub task_timeout: Duration,
    /// Leases that still have to be released.
    pub pending_releases: PendingReleases,
    /// None: there are no metrics.
    pub metrics: Option<Arc<Metrics>>,
}

impl Worker {
    /// Works until `stop` is set, then lets tasks in flight finish until the grace period
    /// ends, and releases the rest. Each core may run this.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>, abort: CancellationToken) {
        let mut in_flight = FuturesUnordered::new();
        let mut receivers = FuturesUnordered::new();
        loop {
            while receivers.len() < self.receivers.max(1) {
                receivers.push(self.receive());
            }
            let (slot, delivery) = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(received) = receivers.next() => received,
            };
            while let Some(Some(())) = in_flight.next().now_or_never() {}
            let worker = Arc::clone(&self);
            let abort = abort.clone();
            if let Some(task_id) = &delivery.task_id {
                let leases = self.host.leases();
                leases.add_step(task_id, 0, StepKind::Delivered, "");
            }
            let task_id = delivery.task_id.as_deref().unwrap_or_default();
            // All log lines of a task have its id.
            let span = tracing::info_span!("task", task_id, trace_id = tracing::field::Empty);
            let work = async move {
                worker.work(delivery, abort, slot).await;
            };
            in_flight.push(self.runtime.spawn(Box::pin(work.instrument(span))));
        }
        drop(receivers);
        while let Some(Some(())) = in_flight.next().now_or_never() {}
        if !in_flight.is_empty() {
            tracing::info!(tasks = in_flight.len(), "finishing the tasks in flight");
        }
        let finished = async { while in_flight.next().await.is_some() {} };
        if abort.run_until_cancelled(finished).await.is_none() {
            tracing::warn!(tasks = in_flight.len(), "releasing tasks");
            while in_flight.next().await.is_some() {}
        }
    }

    /// Processes one message that did not come from a queue. An error: the processor
    /// ended early.
    pub async fn once(&self, task_id: &str, message: &[u8]) -> anyhow::Result<Outcome> {
        let claimed = &mut ClaimedLease::default();
        self.process(Some(task_id), message, claimed, Slot::default())
            .await
    }

    /// A message, and a slot for it.
    async fn receive(&self) -> (Slot, Delivery) {
        loop {
            self.host.pause.becomes(false).await;
            let (slot, received) = tokio::select! {
                biased;
                () = self.host.pause.becomes(true) => continue,
                received = self.slots.receive(|| self.host.queue.receive()) => received,
            };
            match received {
                Ok(delivery) => return (slot, delivery),
                Err(error) => {
                    drop(slot);
                    log_throttled!(error every LONG_INTERVAL, "the queue cannot be read", %error);
                    self.runtime.sleep(UNREADABLE).await;
                }
            }
        }
    }

    async fn work(&self, delivery: Delivery, abort: CancellationToken, slot: Slot) {
        let mut claimed = ClaimedLease::default();
        let task_id = delivery.task_id.as_deref();
        let processed = tokio::select! {
            biased;
            processed = self.process(task_id, &delivery.message, &mut claimed, slot.clone()) => Some(processed),
            () = abort.cancelled() => None,
        };
        if let (Some(metrics), Some(id)) = (&self.metrics, task_id) {
            metrics.tasks.left(id);
        }
        match processed {
            Some(Ok(Outcome::Done)) => {
                tracing::debug!("the message was processed");
                delivery.ack().await;
            }
            Some(Ok(Outcome::Skipped)) => {
                tracing::debug!("nothing to do");
                delivery.ack().await;
            }
            Some(Ok(Outcome::Rejected(reason))) => {
                tracing::warn!(reason, "the message was rejected");
                delivery.ack().await;
            }
            Some(Ok(Outcome::RetryLater(reason))) => {
                self.retry_later(delivery, claimed, &reason).await;
                tokio::select! {
                    biased;
                    () = self.runtime.sleep(REDELIVERY_DELAY) => {}
                    () = abort.cancelled() => {}
                }
            }
            Some(Err(error)) => {
                // Not released: its lease expires, which counts as a death of the worker,
                // since a task that kills its workers must end some time.
                tracing::error!(error = format!("{error:#}"), "the processor ended early");
                delivery.nack(REDELIVERY_DELAY).await;
            }
            None => {
                if let Some(lease) = claimed.take()
                    && let Err(error) = self.host.leases().release(&lease).await
                {
                    tracing::error!(%error, "the lease could not be released");
                }
                delivery.nack(REDELIVERY_DELAY).await;
            }
        }
    }

    async fn retry_later(&self, delivery: Delivery, claimed: ClaimedLease, reason: &str) {
        log_throttled!(warn, "to be delivered again", reason);
        if let Some(lease) = claimed.take() {
            // The processor already tried to release it. If this fails too, it is
            // released before the task is claimed again.
            let _ = self
                .pending_releases
                .release(self.host.leases(), lease)
                .await;
        }
        delivery.nack(REDELIVERY_DELAY).await;
    }

    async fn process(
        &self,
        task_id: Option<&str>,
        message: &[u8],
        claimed: &mut ClaimedLease,
        slot: Slot,
    ) -> anyhow::Result<Outcome> {
        if let Some(task_id) = task_id
            && let Err(error) = self
                .pending_releases
                .retry(self.host.leases(), task_id)
                .await
        {
            return Ok(Outcome::RetryLater(error.message));
        }
        let _present = self.metrics.as_ref().map(|of| Active::of(&of.processors));
        let Run {
            claimed: lease,
            stage,
            retry_later,
            outcome,
        } = self.processor.start(message.to_vec(), slot);
        *claimed = lease;
        let revocation = task_id.map(|id| self.host.leases().revocation(id));
        let cancelled = async {
            match revocation {
                Some(revocation) => revocation.await,
                None => pending().await,
            }
            if stage.is_storing() {
                pending().await
            }
        };
        tokio::select! {
            biased;
            outcome = outcome => outcome,
            // Dropping the run cancels everything that it started, such as downloads and
            // model calls.
            () = cancelled => {
                tracing::info!("the task was deleted or cancelled");
                Ok(Outcome::Skipped)
            }
            () = retry_later.wait() => Ok(Outcome::RetryLater(NO_MEMORY.to_owned())),
            () = self.runtime.sleep(self.task_timeout + SLACK) => {
                anyhow::bail!("the processor overran its task's limit")
            }
        }
    }
}
