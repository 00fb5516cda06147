//! Delivers webhooks: claims deliveries that are due, and makes one attempt of each.
//!
//! Their number is bounded, and shared between receivers and users, so that neither
//! a slow receiver nor a user of many keeps others waiting, and none keeps a task.
//! What is due is stored, and an attempt is recorded under a lease: a crash at any
//! moment loses none, and at most makes an attempt that nobody recorded.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::log_throttle::LONG_INTERVAL;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::notifier::{Notification, Notifier};
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::task_response::image_path;
use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryLease, DeliveryOutcome, DeliveryPermits, DeliveryRecord, DueDelivery,
    Holder, ServiceSecrets,
};
use futures::future::{BoxFuture, pending};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::metrics::Metrics;

/// Attempts under way: each has an instance and a socket.
pub const AT_ONCE: usize = 64;

/// Of one receiver: more than one that answers needs.
const PER_RECEIVER: usize = 8;

/// How long the permit of an attempt that failed stays taken, so that thousands
/// that fail at once cost next to nothing.
const REST: Duration = Duration::from_secs(1);

/// After which an attempt is ended from outside. It ends itself after 15 s.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Between two looks at what is due, at least, where some of it waits for a permit
/// and would be looked at again and again.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// The same, at most, while something is to come: a clock may jump.
const LOOK: Duration = Duration::from_secs(1);

/// Between two calls of a store that fails.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What is tried to record an outcome, before its lease is over.
const RECORD_TRIES: u32 = 10;

/// Why an attempt failed that ended early.
const BROKEN: &str = "The attempt could not be made.";

/// The delivering of one host.
pub struct Deliverer {
    /// What it works on.
    pub host: Arc<Capabilities>,
    /// What makes an attempt.
    pub notifier: Arc<dyn Notifier>,
    /// What it waits by and spawns on.
    pub runtime: Arc<dyn Runtime>,
    /// What the users' keys are derived from.
    pub secrets: ServiceSecrets,
    /// Between two looks at what is due, at most, if nobody says that there is
    /// something.
    pub longest: Duration,
    /// None: nothing is measured.
    pub metrics: Option<Arc<Metrics>>,
}

/// Attempts, and the permits that they have.
struct Attempts {
    runtime: Arc<dyn Runtime>,
    /// Each answers whether it was delivered.
    under_way: FuturesUnordered<BoxFuture<'static, (Holder, bool)>>,
    /// Have failed.
    resting: FuturesUnordered<BoxFuture<'static, Holder>>,
    taken: Vec<Holder>,
}

/// One look at what is due.
struct Look {
    due: Vec<DueDelivery>,
    /// Until the next one.
    wait: Duration,
    /// Somebody has all the permits that they may have.
    is_short: bool,
}

impl Attempts {
    fn add(&mut self, holder: Holder, attempt: impl Future<Output = bool> + Send + 'static) {
        self.taken.push(holder.clone());
        let attempt = async move { (holder, attempt.await) };
        self.under_way.push(Box::pin(attempt));
    }

    /// Waits until one of them ends or has rested, and takes all along that have.
    async fn end(&mut self) {
        tokio::select! {
            biased;
            Some((holder, is_delivered)) = self.under_way.next() => self.rest(holder, is_delivered),
            Some(holder) = self.resting.next() => self.free(&holder),
            else => pending().await,
        }
        while let Some(Some((holder, is_delivered))) = self.under_way.next().now_or_never() {
            self.rest(holder, is_delivered);
        }
        while let Some(Some(holder)) = self.resting.next().now_or_never() {
            self.free(&holder);
        }
    }

    fn rest(&mut self, holder: Holder, is_delivered: bool) {
        if is_delivered {
            return self.free(&holder);
        }
        let rest = self.runtime.sleep(REST);
        let rested = async move {
            rest.await;
            holder
        };
        self.resting.push(Box::pin(rested));
    }

    fn free(&mut self, holder: &Holder) {
        if let Some(at) = self.taken.iter().position(|it| it == holder) {
            self.taken.swap_remove(at);
        }
    }
}

impl Deliverer {
    /// Delivers until `stop` is set, then lets attempts in progress end. What is aborted
    /// is attempted again by the next claim, once its lease is over.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>, abort: CancellationToken) {
        let mut attempts = Attempts {
            runtime: Arc::clone(&self.runtime),
            under_way: FuturesUnordered::new(),
            resting: FuturesUnordered::new(),
            taken: Vec::new(),
        };
        loop {
            let look = self.look(&attempts.taken).await;
            for due in look.due {
                let holder = Holder {
                    receiver: due.webhook.receiver(),
                    user_id: due.task.user_id.clone(),
                };
                attempts.add(holder, self.begin(due, abort.clone()));
            }
            let next = async {
                if look.is_short {
                    self.runtime.sleep(MIN_INTERVAL).await;
                }
                tokio::select! {
                    biased;
                    () = attempts.end() => {}
                    () = self.host.webhooks().delivery_due() => {}
                    () = self.runtime.sleep(look.wait) => {}
                }
            };
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = next => {}
            }
        }
        while attempts.under_way.next().await.is_some() {}
    }

    async fn look(&self, taken: &[Holder]) -> Look {
        let permits = DeliveryPermits::new(AT_ONCE, PER_RECEIVER, taken);
        let is_short = permits.are_short();
        let looked = async {
            let webhooks = self.host.webhooks();
            if permits.free() == 0 {
                return Ok((Vec::new(), LOOK));
            }
            let Some(next) = webhooks.next_delivery().await? else {
                return Ok((Vec::new(), self.longest));
            };
            let now = self.host.clock.now();
            if next > now && next <= DeliveryRecord::beyond(now) {
                return Ok((Vec::new(), next.since(now).min(LOOK)));
            }
            let due = webhooks.claim_deliveries(permits).await?;
            let wait = match due.is_empty() {
                // What is due waits for a permit.
                true => LOOK,
                false => Duration::ZERO,
            };
            Ok::<_, CapabilityError>((due, wait))
        };
        let (due, wait) = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                log_throttled!(error every LONG_INTERVAL, "webhooks cannot be claimed", %error);
                (Vec::new(), RETRY_INTERVAL)
            }
        };
        Look {
            due,
            wait,
            is_short,
        }
    }

    /// Answers whether it was delivered.
    fn begin(
        self: &Arc<Self>,
        due: DueDelivery,
        abort: CancellationToken,
    ) -> impl Future<Output = bool> + use<> {
        let deliverer = Arc::clone(self);
        let task_id = &due.lease.task_id;
        let span = tracing::info_span!("webhook", task_id);
        let (sender, delivered) = oneshot::channel();
        let attempt = async move {
            let attempt = abort.run_until_cancelled(deliverer.attempt(due)).await;
            // Nobody waits for it after an abort.
            let _ = sender.send(attempt.unwrap_or_default());
        };
        let attempt = self.runtime.spawn(Box::pin(attempt.instrument(span)));
        async move {
            attempt.await;
            delivered.await.unwrap_or_default()
        }
    }

    async fn attempt(&self, due: DueDelivery) -> bool {
        let DueDelivery {
            lease,
            webhook,
            task,
        } = due;
        let at = self.host.clock.now();
        let image_url = match image_path(&task) {
            Some(path) => match self.host.images.sign(path, &webhook.origin).await {
                Ok(url) => Some(url),
                Err(error) => {
                    // It is attempted again once the lease is over.
                    tracing::error!(%error, "an image's URL could not be signed");
                    return false;
                }
            },
            None => None,
        };
        let notification = Notification {
            keys: self.secrets.keys_of(&task.user_id),
            url: webhook.url,
            task,
            image_url,
        };
        let measured = self.metrics.as_ref().map(|of| of.webhooks.began());
        let answer = tokio::select! {
            biased;
            answer = self.notifier.deliver(notification) => answer,
            () = self.runtime.sleep(TIMEOUT) => Err(anyhow::anyhow!("it took too long")),
        };
        let answer = answer.unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), "an attempt ended early");
            DeliveryAnswer::None(BROKEN.to_owned())
        });
        if let Some(measured) = measured {
            measured.ended(&answer);
        }
        let is_delivered = matches!(
            answer,
            DeliveryAnswer::Status {
                code: 200..=299,
                ..
            }
        );
        tracing::debug!(?answer, "attempted");
        self.record(&lease, DeliveryOutcome { at, answer }).await;
        is_delivered
    }

    async fn record(&self, lease: &DeliveryLease, outcome: DeliveryOutcome) {
        let jitter = self.runtime.random();
        for _ in 0..RECORD_TRIES {
            let webhooks = self.host.webhooks();
            match webhooks
                .record_attempt(lease, outcome.clone(), jitter)
                .await
            {
                Ok(_) => return,
                Err(error) if error.is_repeatable() => self.runtime.sleep(RETRY_INTERVAL).await,
                Err(_) => break,
            }
        }
        tracing::error!("what came of an attempt could not be recorded");
    }
}
