//! The deliveries of webhooks, which are part of their tasks.

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::rulebook::Operation;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DueDelivery, Redelivery, WebhookDelivery,
};
use futures::future::BoxFuture;

use super::Storage;
use crate::Answer;
use crate::webhooks::Webhooks;

impl<S: Storage> Webhooks for S {
    fn webhook<'a>(
        &'a self,
        user_id: &'a str,
        task_id: &'a str,
    ) -> Answer<'a, Option<WebhookDelivery>> {
        Box::pin(async move {
            let record = self.record(Some(user_id), task_id).await?;
            Ok(record.and_then(|record| Some(record.delivery?.seen(&record.task))))
        })
    }

    fn redeliver<'a>(&'a self, user_id: &'a str, task_id: &'a str) -> Answer<'a, Redelivery> {
        self.apply(Operation::redeliver(user_id, task_id))
    }

    fn claim_deliveries(&self, permits: DeliveryPermits) -> Answer<'_, Vec<DueDelivery>> {
        self.begin_deliveries(permits)
    }

    fn record_attempt<'a>(
        &'a self,
        lease: &'a DeliveryLease,
        outcome: DeliveryOutcome,
        jitter: f64,
    ) -> Answer<'a, Fenced> {
        self.apply(Operation::record_attempt(lease, outcome, jitter))
    }

    fn next_delivery(&self) -> Answer<'_, Option<Timestamp>> {
        self.next_due_delivery()
    }

    fn delivery_due(&self) -> BoxFuture<'static, ()> {
        self.context().hub.delivery()
    }
}
