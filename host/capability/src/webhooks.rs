//! Webhooks: what came of them, for users, and what is to be delivered, for the
//! loop that delivers. `wit/webhook-store.wit` has the promises to components.
//!
//! A delivery is part of its task, so its backend is that of the tasks: see
//! [`TaskStore`](super::tasks::TaskStore). It is due by the step that ends the task,
//! and what was claimed here and never recorded is due again once its lease is over.

pub mod redeliveries;

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DueDelivery, Redelivery, WebhookDelivery,
};
use futures::future::BoxFuture;

use super::Answer;

/// What the API and the deliverer ask.
pub trait Webhooks: Send + Sync {
    /// None: no such task, another user's, or no webhook was asked for.
    fn webhook<'a>(
        &'a self,
        user_id: &'a str,
        task_id: &'a str,
    ) -> Answer<'a, Option<WebhookDelivery>>;

    /// Makes one attempt more due.
    fn redeliver<'a>(&'a self, user_id: &'a str, task_id: &'a str) -> Answer<'a, Redelivery>;

    /// Claims attempts that are due, as many as there are permits for, those that
    /// have waited longest first. Nobody else gets them until their leases are
    /// over.
    fn claim_deliveries(&self, permits: DeliveryPermits) -> Answer<'_, Vec<DueDelivery>>;

    /// Records what came of an attempt. Lost: somebody else began another one, or
    /// the task was deleted. `jitter`, from 0 to 1, spreads what failed together.
    fn record_attempt<'a>(
        &'a self,
        lease: &'a DeliveryLease,
        outcome: DeliveryOutcome,
        jitter: f64,
    ) -> Answer<'a, Fenced>;

    /// When the next attempt is due, or a lease of one is over; in the past if one
    /// is due already. None: all deliveries have ended.
    fn next_delivery(&self) -> Answer<'_, Option<Timestamp>>;

    /// Completes when a delivery may have become due since the last call, as far as
    /// this process notices without asking. For one waiter.
    fn delivery_due(&self) -> BoxFuture<'static, ()>;
}
