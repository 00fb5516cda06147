//! Takes deliveries from the queue, claims their tasks, hands each to a processor, and renews
//! its lease meanwhile.
//!
//! The number of tasks in flight is limited, and nothing polls. All writes of a processor
//! are fenced by its lease, so it can be stopped at any moment without losing anything.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::processor::{Outcome, Processor, Run};
use concept_refinement_capability::queue::{Delivery, Work};
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_capability::slots::{Slot, Slots};
use concept_refinement_capability::traces::Attempt;
use concept_refinement_domain::capability::{CapabilityError, Claimed, Fenced, Lease, TaskFailure};
use concept_refinement_domain::lease::{is_fresh, time_limit};
use concept_refinement_domain::message::Parsed;
use concept_refinement_domain::sentence::MISSING_PROMPT_OR_URL;
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::Task;
use concept_refinement_runtime::metrics::series::Active;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::in_flight::InFlight;
use super::pending_releases::PendingReleases;
use crate::metrics::Metrics;

/// How much longer than the task's own time limit a run may take before it is aborted
/// from outside.
pub const SLACK: Duration = Duration::from_secs(10);

/// Delay before a message is delivered again. After a fault of a store its slot stays taken for
/// that time, so that the store is not overloaded.
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
    /// The tasks in flight.
    pub in_flight: InFlight,
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
            let task_id = delivery.work().task_id().unwrap_or_default();
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

    /// Processes one task that did not come from a queue. An error: the processor ended early.
    pub async fn once(&self, task: &Task) -> anyhow::Result<Outcome> {
        let named = Parsed::Valid {
            task_id: task.id.clone(),
            user_id: task.user_id.clone(),
        };
        let slot = Slot::default();
        self.process(Work::Message(named), &mut None, slot).await
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
                    log_throttled!(error every minute, "the queue cannot be read", %error);
                    self.runtime.sleep(UNREADABLE).await;
                }
            }
        }
    }

    async fn work(&self, delivery: Delivery, abort: CancellationToken, slot: Slot) {
        let task_id = delivery.work().task_id().map(str::to_owned);
        let in_flight = task_id.as_deref().map(|id| (id, self.in_flight.enter(id)));
        // What the store has claimed for this worker is its own, whatever was in flight before.
        if let (Work::Message(_), Some((id, None))) = (delivery.work(), &in_flight) {
            tracing::debug!("in flight already");
            match self.in_flight.is_overdue(id, self.host.clock.now()) {
                true => delivery.nack(REDELIVERY_DELAY).await,
                false => delivery.ack().await,
            }
            return;
        }
        if let Some(task_id) = &task_id {
            let leases = self.host.leases();
            leases.add_step(task_id, 0, StepKind::Delivered, "");
        }
        let (work, acknowledgement) = delivery.begin();
        let mut held = None;
        let processed = tokio::select! {
            biased;
            processed = self.process(work, &mut held, slot.clone()) => Some(processed),
            () = abort.cancelled() => None,
        };
        drop(in_flight);
        if let (Some(metrics), Some(id)) = (&self.metrics, &task_id) {
            metrics.tasks.left(id);
        }
        match processed {
            Some(Ok(Outcome::Done)) => {
                tracing::debug!("the task was processed");
                acknowledgement.ack().await;
            }
            Some(Ok(Outcome::Skipped)) => {
                tracing::debug!("nothing to do");
                acknowledgement.ack().await;
            }
            Some(Ok(Outcome::Rejected(reason))) => {
                tracing::warn!(reason, "the message was rejected");
                acknowledgement.ack().await;
            }
            Some(Ok(Outcome::RetryLater(reason))) => {
                log_throttled!(warn, "to be delivered again", reason);
                if let Some(lease) = held {
                    // If this fails, it is released before the task is claimed again.
                    let leases = self.host.leases();
                    let _ = self.pending_releases.release(leases, lease).await;
                }
                acknowledgement.nack(REDELIVERY_DELAY).await;
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
                acknowledgement.nack(REDELIVERY_DELAY).await;
            }
            None => {
                if let Some(lease) = held
                    && let Err(error) = self.host.leases().release(&lease).await
                {
                    tracing::error!(%error, "the lease could not be released");
                }
                acknowledgement.nack(Duration::ZERO).await;
            }
        }
    }

    /// `held` becomes the lease as soon as there is one, for whoever stops this.
    async fn process(
        &self,
        work: Work,
        held: &mut Option<Lease>,
        slot: Slot,
    ) -> anyhow::Result<Outcome> {
        let asked_at = Instant::now();
        // Before the claim, so that nothing is missed between the two.
        let revocation = work.task_id().map(|id| self.host.leases().revocation(id));
        let claimed = match self.claimed(work, held).await {
            Ok(Ok(claimed)) => claimed,
            Ok(Err(outcome)) => return Ok(outcome),
            Err(error) if error.is_repeatable() => return Ok(Outcome::RetryLater(error.message)),
            Err(error) => return Ok(Outcome::Rejected(error.message)),
        };
        let lease = claimed.lease.clone();
        self.in_flight.lease(&lease);
        let limit = time_limit(&claimed.task, self.task_timeout, self.host.clock.now());
        let _present = self.metrics.as_ref().map(|of| {
            of.tasks.claimed(&claimed);
            Active::of(&of.processors)
        });
        let (host, now) = (&self.host, self.host.clock.now());
        let attempt = Attempt::begin(&host.traces, &claimed, asked_at, now);
        let Run {
            stage,
            retry_later,
            outcome,
        } = self.processor.start(claimed, attempt.clone(), slot);
        let unless_storing = async |lost: BoxFuture<'_, ()>| {
            lost.await;
            if stage.is_storing() {
                pending().await
            }
        };
        tokio::select! {
            biased;
            outcome = outcome => {
                if let Ok(Outcome::RetryLater(_)) = outcome {
                    attempt.end("released", None);
                }
                outcome
            }
            // Dropping the run cancels everything that it started, such as downloads and
            // model calls.
            () = unless_storing(revocation.unwrap_or_else(|| Box::pin(pending()))) => {
                tracing::info!("the task was deleted or cancelled");
                attempt.end("lost", None);
                Ok(Outcome::Skipped)
            }
            () = unless_storing(Box::pin(self.renew_until_lost(lease))) => {
                tracing::info!("the lease was lost");
                attempt.end("lost", None);
                Ok(Outcome::Skipped)
            }
            () = retry_later.wait() => {
                attempt.end("released", None);
                Ok(Outcome::RetryLater(NO_MEMORY.to_owned()))
            }
            () = self.runtime.sleep(limit + SLACK) => {
                anyhow::bail!("the processor overran its task's limit")
            }
        }
    }

    /// The claim that came with the delivery, or one that is made now; or the outcome if there
    /// is nothing to process.
    async fn claimed(
        &self,
        work: Work,
        held: &mut Option<Lease>,
    ) -> Result<Result<Claimed, Outcome>, CapabilityError> {
        let leases = self.host.leases();
        let rejected = || Outcome::Rejected(MISSING_PROMPT_OR_URL.to_owned());
        let (task_id, user_id, is_usable) = match work {
            Work::Claimed(claimed) => return self.fresh(*claimed, held).await,
            Work::Message(Parsed::Valid { task_id, user_id }) => (task_id, Some(user_id), true),
            Work::Message(Parsed::Unusable {
                task_id: Some(task_id),
                user_id,
            }) => (task_id, user_id, false),
            Work::Message(Parsed::Unusable { task_id: None, .. } | Parsed::Nonsense) => {
                return Ok(Err(rejected()));
            }
        };
        self.pending_releases.retry(leases, &task_id).await?;
        let Some(claimed) = leases.claim(&task_id, user_id.as_deref()).await? else {
            return Ok(Err(Outcome::Skipped));
        };
        *held = Some(claimed.lease.clone());
        if is_usable {
            return Ok(Ok(claimed));
        }
        let failure = TaskFailure::new(MISSING_PROMPT_OR_URL);
        Ok(Err(match leases.fail(&claimed.lease, &failure).await? {
            Fenced::Done => rejected(),
            Fenced::Lost => Outcome::Skipped,
        }))
    }

    /// A claim that waited too long for its worker is renewed first, since the worker counts
    /// from now.
    async fn fresh(
        &self,
        claimed: Claimed,
        held: &mut Option<Lease>,
    ) -> Result<Result<Claimed, Outcome>, CapabilityError> {
        *held = Some(claimed.lease.clone());
        if is_fresh(&claimed.lease, self.host.clock.now()) {
            return Ok(Ok(claimed));
        }
        let renewed = self.host.leases().renew(&claimed.lease).await?;
        Ok(renewed
            .map(|lease| Claimed { lease, ..claimed })
            .ok_or(Outcome::Skipped))
    }

    /// Renews until the lease is lost. Errors are retried: the lease may outlast an outage,
    /// and each write is fenced anyway.
    async fn renew_until_lost(&self, mut lease: Lease) {
        loop {
            let pause = Duration::from_millis(lease.renew_after.into());
            self.runtime.sleep(pause).await;
            match self.host.leases().renew(&lease).await {
                Ok(Some(renewed)) => {
                    self.in_flight.lease(&renewed);
                    lease = renewed;
                }
                Ok(None) => return,
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
