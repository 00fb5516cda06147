//! Webhooks: their state, for users, and the deliveries that are due, for the loop that
//! delivers them. `wit/webhook-store.wit` has the promises to components.
//!
//! A delivery is part of its task, so it has the same backend: see
//! [`TaskStore`](super::tasks::TaskStore). It becomes due in the step that ends the task.
//! An attempt that was claimed and never recorded becomes due again when its lease
//! expires.

pub mod redeliveries;

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DueDelivery, Redelivery, WebhookDelivery,
};
use futures::future::BoxFuture;

use super::Answer;

/// Operations for the API and the deliverer.
pub trait Webhooks: Send + Sync {
    /// None: no such task, another user's, or it has no webhook.
    fn webhook<'a>(
        &'a self,
        user_id: &'a str,
        task_id: &'a str,
    ) -> Answer<'a, Option<WebhookDelivery>>;

    /// Makes one more attempt due.
    fn redeliver<'a>(&'a self, user_id: &'a str, task_id: &'a str) -> Answer<'a, Redelivery>;

    /// Claims attempts that are due, as many as there are permits for, the longest
    /// waiting ones first. No other host gets them until their leases expire.
    fn claim_deliveries(&self, permits: DeliveryPermits) -> Answer<'_, Vec<DueDelivery>>;

    /// Records the outcome of an attempt. Lost: another attempt has begun, or the task
    /// was deleted. `jitter`, from 0 to 1, spreads out the retries of deliveries that
    /// failed together.
    fn record_attempt<'a>(
        &'a self,
        lease: &'a DeliveryLease,
        outcome: DeliveryOutcome,
        jitter: f64,
    ) -> Answer<'a, Fenced>;

    /// When the next attempt is due or the next lease expires; in the past if one is due
    /// already. None: all deliveries have ended.
    fn next_delivery(&self) -> Answer<'_, Option<Timestamp>>;

    /// Completes when a delivery may have become due since the last call, as far as this
    /// process learns of it without asking the store. For one waiter.
    fn delivery_due(&self) -> BoxFuture<'static, ()>;
}
