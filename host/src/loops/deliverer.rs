//! Delivers webhooks: claims deliveries that are due, and makes one attempt for each.
//!
//! The number of concurrent attempts is limited and divided between receivers and users,
//! so that neither a slow receiver nor a user with many deliveries blocks others; and
//! deliveries never delay tasks. Due deliveries are stored, and attempts are recorded
//! under a lease: a crash loses none, and at most makes an attempt that is not recorded.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::notifier::{Notification, Notifier};
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_capability::traces::{ATTEMPT, Kind, Span, Start, TASK};
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::task_response::image_path;
use concept_refinement_domain::trace::TraceContext;
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

use crate::loops::until_stop::until_stop;
use crate::metrics::{Metrics, webhooks};

/// Concurrent attempts: each has an instance and a socket.
pub const AT_ONCE: usize = 64;

/// Concurrent attempts per receiver: more than a responsive one needs.
const PER_RECEIVER: usize = 8;

/// How long the permit of a failed attempt stays taken, so that thousands of quick
/// failures cost next to nothing.
const REST: Duration = Duration::from_secs(1);

/// After this time an attempt is aborted. It ends itself after 15 s.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Minimum interval of looking for due deliveries, in case some wait for a permit and
/// would be found again and again.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Maximum interval while a delivery is scheduled: a clock may jump.
const LOOK: Duration = Duration::from_secs(1);

/// Delay between calls of a store that fails.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Attempts to record an outcome before its lease expires.
const RECORD_TRIES: u32 = 10;

/// The recorded error of an attempt that ended early.
const BROKEN: &str = "The attempt could not be made.";

/// The webhook deliverer of one host.
pub struct Deliverer {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// Makes the attempts.
    pub notifier: Arc<dyn Notifier>,
    /// Used for timers and spawning.
    pub runtime: Arc<dyn Runtime>,
    /// The secrets from which the users' keys are derived.
    pub secrets: ServiceSecrets,
    /// Maximum interval of looking for due deliveries if no announcement arrives.
    pub longest: Duration,
    /// None: there are no metrics.
    pub metrics: Option<Arc<Metrics>>,
}

/// Attempts in progress, and their permits.
#[derive(Default)]
struct Attempts {
    under_way: FuturesUnordered<BoxFuture<'static, Holder>>,
    taken: Vec<Holder>,
}

impl Attempts {
    /// `attempt` ends when its permits are free.
    fn add(&mut self, holder: Holder, attempt: impl Future<Output = ()> + Send + 'static) {
        self.taken.push(holder.clone());
        let attempt = async move {
            attempt.await;
            holder
        };
        self.under_way.push(Box::pin(attempt));
    }

    /// Waits until at least one attempt has ended, and frees the permits of all that have.
    async fn end(&mut self) {
        match self.under_way.next().await {
            Some(holder) => self.free(&holder),
            None => pending().await,
        }
        while let Some(Some(holder)) = self.under_way.next().now_or_never() {
            self.free(&holder);
        }
    }

    fn free(&mut self, holder: &Holder) {
        if let Some(at) = self.taken.iter().position(|it| it == holder) {
            self.taken.swap_remove(at);
        }
    }
}

impl Deliverer {
    /// Delivers until `stop` is set, then lets attempts in progress end. After `abort`,
    /// deliveries are attempted again once their leases expire.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>, abort: CancellationToken) {
        let mut attempts = Attempts::default();
        loop {
            let permits = DeliveryPermits::new(AT_ONCE, PER_RECEIVER, &attempts.taken);
            // Then some deliveries wait for permits.
            let is_short = permits.are_short();
            let (due, wait) = self.look(permits).await.unwrap_or_else(|error| {
                log_throttled!(error every minute, "webhooks cannot be claimed", %error);
                (Vec::new(), RETRY_INTERVAL)
            });
            for due in due {
                let holder = Holder {
                    receiver: due.webhook.receiver(),
                    user_id: due.task.user_id.clone(),
                };
                attempts.add(holder, self.begin(due, stop.clone(), abort.clone()));
            }
            let next = async {
                if is_short {
                    self.runtime.sleep(MIN_INTERVAL).await;
                }
                tokio::select! {
                    biased;
                    () = attempts.end() => {}
                    () = self.host.webhooks().delivery_due() => {}
                    () = self.runtime.sleep(wait) => {}
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

    /// Claims deliveries that are due, and says how long to wait before the next look.
    async fn look(
        &self,
        permits: DeliveryPermits,
    ) -> Result<(Vec<DueDelivery>, Duration), CapabilityError> {
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
            // The due deliveries wait for permits.
            true => LOOK,
            false => Duration::ZERO,
        };
        Ok((due, wait))
    }

    /// Ends when the permits of this attempt may be used again.
    fn begin(
        self: &Arc<Self>,
        due: DueDelivery,
        stop: watch::Receiver<bool>,
        abort: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let deliverer = Arc::clone(self);
        let task_id = &due.lease.task_id;
        let span = tracing::info_span!("webhook", task_id, trace_id = tracing::field::Empty);
        let (sender, delivered) = oneshot::channel();
        let attempt = async move {
            let attempt = abort.run_until_cancelled(deliverer.attempt(due)).await;
            // After an abort nobody waits for the result.
            let _ = sender.send(attempt.unwrap_or_default());
        };
        let attempt = self.runtime.spawn(Box::pin(attempt.instrument(span)));
        let runtime = Arc::clone(&self.runtime);
        async move {
            attempt.await;
            if !delivered.await.unwrap_or_default() {
                until_stop(stop, runtime.sleep(REST)).await;
            }
        }
    }

    async fn attempt(&self, due: DueDelivery) -> bool {
        let DueDelivery {
            lease,
            webhook,
            retry_of,
            task,
            trace,
        } = due;
        let mut span = self.traced(&lease, trace);
        let at = self.host.clock.now();
        let image_url = match image_path(&task) {
            Some(path) => match self.host.images.sign(path, &webhook.origin).await {
                Ok(url) => Some(url),
                Err(error) => {
                    // It is attempted again once the lease expires.
                    tracing::error!(%error, "an image's URL could not be signed");
                    span.fail("store");
                    return false;
                }
            },
            None => None,
        };
        let notification = Notification {
            keys: self.secrets.keys_of(&task.user_id),
            url: webhook.url,
            task,
            retry_of,
            image_url,
            trace: span.context(),
        };
        let measured = self.metrics.as_ref().map(|of| of.webhooks.begin());
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
            measured.end(webhooks::outcome(&answer));
        }
        let is_delivered = set_answer(&mut span, &answer);
        tracing::debug!(?answer, "attempted");
        self.record(&lease, DeliveryOutcome { at, answer }).await;
        is_delivered
    }

    /// Begins the span of an attempt. It is part of the trace of the request, to which it
    /// has a link besides, since the task has ended by then.
    fn traced(&self, lease: &DeliveryLease, request: Option<TraceContext>) -> Span {
        let mut span = self.host.traces.start(Start {
            link: request,
            ..Start::within(request, "webhook", Kind::Client)
        });
        span.set_text(TASK, &lease.task_id);
        span.set(ATTEMPT, lease.token);
        span.log();
        span
    }

    async fn record(&self, lease: &DeliveryLease, outcome: DeliveryOutcome) {
        let jitter = self.runtime.random();
        for _ in 0..RECORD_TRIES {
            let webhooks = self.host.webhooks();
            let recorded = webhooks.record_attempt(lease, outcome.clone(), jitter);
            match recorded.await {
                Ok(_) => return,
                Err(error) if error.is_repeatable() => self.runtime.sleep(RETRY_INTERVAL).await,
                Err(_) => break,
            }
        }
        tracing::error!("what came of an attempt could not be recorded");
    }
}

/// Adds to the span how the attempt was answered. Returns whether the delivery succeeded.
fn set_answer(span: &mut Span, answer: &DeliveryAnswer) -> bool {
    let DeliveryAnswer::Status { code, .. } = answer else {
        span.fail("no answer");
        return false;
    };
    span.set("http.response.status_code", *code);
    let is_delivered = matches!(code, 200..=299);
    if !is_delivered {
        span.fail(code.to_string());
    }
    is_delivered
}
