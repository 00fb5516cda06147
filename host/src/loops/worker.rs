//! Takes messages from the queue and gives each to a processor instance of its
//! own.
//!
//! The number of tasks in flight is bounded, and nothing polls. What an instance
//! does to its task is fenced by its lease: stopping one at any moment, from
//! outside too, loses nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::unreleased::Unreleased;
use crate::capability::Capabilities;
use crate::capability::queue::Delivery;
use crate::log_throttle::{LONG_SILENCE, LogThrottle};
use crate::metrics::{Metrics, Present};
use crate::wasm::bindings::processor::ProcessorComponentPre;
use crate::wasm::bindings::processor::exports::concept::refinement::processor::Outcome;
use crate::wasm::sandbox::{ClaimedLease, Grants, Sandbox};

/// What an instance may take beyond its task's own limit before it is stopped
/// from outside.
const SLACK: Duration = Duration::from_secs(10);

/// When a message that could not be dealt with comes again. Its slot rests as
/// long: however many tasks wait, a store that cannot be used is not stormed.
const REDELIVERY: Duration = Duration::from_secs(1);

pub struct Worker {
    pub engine: wasmtime::Engine,
    pub pre: ProcessorComponentPre<Sandbox>,
    pub grants: Grants,
    pub host: Arc<Capabilities>,
    /// Tasks in flight.
    pub concurrency: usize,
    /// For a whole task.
    pub task_timeout: Duration,
    pub unreleased: Unreleased,
    pub metrics: Option<Arc<Metrics>>,
}

impl Worker {
    /// Works until `stop` is set, then lets the tasks in flight finish until it
    /// is `over`, and gives the rest back.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>, over: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.concurrency));
        let mut in_flight = JoinSet::new();
        loop {
            let next = async {
                let slot = Arc::clone(&slots).acquire_owned().await;
                (slot, self.host.queue.receive().await)
            };
            let (slot, delivery) = tokio::select! {
                next = next => next,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            while in_flight.try_join_next().is_some() {}
            match delivery {
                Ok(delivery) => {
                    let worker = Arc::clone(&self);
                    let over = over.clone();
                    let id = delivery.task_id.as_deref().unwrap_or_default();
                    // All that is logged of one task shares its id.
                    let span = tracing::info_span!("task", id);
                    let work = async move {
                        worker.work(delivery, over).await;
                        drop(slot);
                    };
                    in_flight.spawn(work.instrument(span));
                }
                Err(error) => {
                    static FAULT: LogThrottle = LogThrottle::every(LONG_SILENCE);
                    if let Some(times) = FAULT.times() {
                        tracing::error!(%error, times, "the queue cannot be read");
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
        while in_flight.try_join_next().is_some() {}
        if !in_flight.is_empty() {
            tracing::info!(tasks = in_flight.len(), "finishing the tasks in flight");
        }
        let finished = async { while in_flight.join_next().await.is_some() {} };
        if over.run_until_cancelled(finished).await.is_none() {
            tracing::warn!(tasks = in_flight.len(), "giving tasks back");
            while in_flight.join_next().await.is_some() {}
        }
    }

    /// Processes one message that no queue delivered. An error: the instance
    /// ended early.
    pub async fn once(&self, task_id: &str, message: &[u8]) -> anyhow::Result<Outcome> {
        let claimed = &mut ClaimedLease::default();
        self.process(Some(task_id), message, claimed).await
    }

    async fn work(&self, delivery: Delivery, over: CancellationToken) {
        let mut claimed = ClaimedLease::default();
        let task_id = delivery.task_id.as_deref();
        let processed = tokio::select! {
            processed = self.process(task_id, &delivery.message, &mut claimed) => Some(processed),
            () = over.cancelled() => None,
        };
        if let (Some(metrics), Some(id)) = (&self.metrics, task_id) {
            metrics.tasks.left(id);
        }
        match processed {
            Some(Ok(Outcome::Done)) => {
                tracing::info!("processed");
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
                    () = tokio::time::sleep(REDELIVERY) => {}
                    () = over.cancelled() => {}
                }
            }
            Some(Err(error)) => {
                // Its lease runs out, and that counts: a task that kills its
                // worker again and again has to end.
                tracing::error!(error = format!("{error:#}"), "the processor ended early");
                delivery.nack(REDELIVERY).await;
            }
            None => {
                if let Some(lease) = claimed.take()
                    && let Err(error) = self.host.leases().release(&lease).await
                {
                    tracing::error!(%error, "the lease could not be released");
                }
                delivery.nack(REDELIVERY).await;
            }
        }
    }

    async fn retry_later(&self, delivery: Delivery, claimed: ClaimedLease, reason: &str) {
        static FAULT: LogThrottle = LogThrottle::new();
        if let Some(times) = FAULT.times() {
            tracing::warn!(reason, times, "to be delivered again");
        }
        if let Some(lease) = claimed.take() {
            // It tried so itself. Where this fails as well, it is made good
            // for before the task is taken again.
            let _ = self.unreleased.give_back(self.host.leases(), lease).await;
        }
        delivery.nack(REDELIVERY).await;
    }

    async fn process(
        &self,
        task_id: Option<&str>,
        message: &[u8],
        claimed: &mut ClaimedLease,
    ) -> anyhow::Result<Outcome> {
        if let Some(task_id) = task_id
            && let Err(error) = self.unreleased.settle(self.host.leases(), task_id).await
        {
            return Ok(Outcome::RetryLater(error.message));
        }
        let _present = self.metrics.as_ref().map(|of| Present::of(&of.processors));
        let mut store = Sandbox::store(&self.engine, &self.grants);
        *claimed = store.data().claimed();
        let stage = store.data().stage();
        let forgotten = task_id.map(|id| self.host.leases().deletion(id));
        let cancelled = async {
            match forgotten {
                Some(forgotten) => forgotten.await,
                None => std::future::pending().await,
            }
            if stage.is_storing() {
                std::future::pending().await
            }
        };
        let run = async {
            let processor = self.pre.instantiate_async(&mut store).await?;
            store
                .run_concurrent(async |accessor| {
                    let processor = processor.concept_refinement_processor();
                    processor.call_process(accessor, message.to_vec()).await
                })
                .await?
        };
        let ended = tokio::select! {
            ended = tokio::time::timeout(self.task_timeout + SLACK, run) => ended,
            // All that the instance had under way goes with its store: what it
            // downloads, and its call of the model.
            () = cancelled => {
                tracing::info!("the task was deleted");
                return Ok(Outcome::Skipped);
            }
        };
        match ended {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(error)) => {
                let printed = store.data().printed();
                Err(anyhow::Error::from(error).context(printed))
            }
            Err(_) => anyhow::bail!("the processor overran its task's limit"),
        }
    }
}
